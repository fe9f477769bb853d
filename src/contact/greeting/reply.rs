//! Bytes → replies of a mail server (RFC 5321 section 4.2).
//!
//! Of each reply the code and the lines are kept; a server that sends lines, or a line, without end is not listened to.

/// The most bytes of a line, with its end (RFC 5321 section 4.5.3.1.5).
const MOST_LINE: usize = 512;

/// The most lines of a reply: servers offer a dozen or two.
const MOST_LINES: usize = 64;

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its code, of three digits.
    pub code: u16,
    /// Its lines, each without the code.
    pub lines: Vec<String>,
}

impl Reply {
    /// Whether one of its lines after the first begins with `keyword`: whether an extension is offered (RFC 5321 section
    /// 4.1.1.1).
    pub fn offers(&self, keyword: &str) -> bool {
        let words = self.lines.iter().skip(1).filter_map(|line| line.split_ascii_whitespace().next());
        words.into_iter().any(|word| word.eq_ignore_ascii_case(keyword))
    }
}

/// What came was no reply: longer than any may be, or something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoReply;

/// Takes bytes as they come and gives replies.
#[derive(Debug, Default)]
pub struct Replies {
    /// What is not taken yet.
    bytes: Vec<u8>,
    code: Option<u16>,
    lines: Vec<String>,
}

impl Replies {
    /// Takes what came.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next reply, when it is complete.
    pub fn poll_reply(&mut self) -> Result<Option<Reply>, NoReply> {
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            if line.len() > MOST_LINE {
                return Err(NoReply);
            }
            if self.take(line.trim_ascii_end())? {
                let code = self.code.take().ok_or(NoReply)?;
                return Ok(Some(Reply { code, lines: std::mem::take(&mut self.lines) }));
            }
        }
        if self.bytes.len() >= MOST_LINE { Err(NoReply) } else { Ok(None) }
    }

    /// Whether there are bytes that belong to no reply that was given: none may come before they were asked for.
    pub fn is_ahead(&self) -> bool {
        !self.bytes.is_empty() || !self.lines.is_empty()
    }

    /// Takes a line; whether it is the last of its reply.
    fn take(&mut self, line: &[u8]) -> Result<bool, NoReply> {
        let (code, rest) = line.split_at_checked(3).ok_or(NoReply)?;
        let code = str::from_utf8(code).ok().filter(|code| code.bytes().all(|b| b.is_ascii_digit())).ok_or(NoReply)?;
        let code = code.parse().map_err(|_| NoReply)?;
        let (is_last, text) = match rest.split_first() {
            None => (true, rest),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err(NoReply),
        };
        if self.code.is_some_and(|before| before != code)
            || self.lines.len() >= MOST_LINES
            || !(200..600).contains(&code)
        {
            return Err(NoReply);
        }
        self.code = Some(code);
        self.lines.push(String::from_utf8_lossy(text).into_owned());
        Ok(is_last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<Reply>, NoReply> {
        let mut replies = Replies::default();
        replies.handle_bytes(bytes);
        std::iter::from_fn(|| replies.poll_reply().transpose()).collect()
    }

    fn reply(code: u16, lines: &[&str]) -> Reply {
        Reply { code, lines: lines.iter().map(|line| (*line).to_owned()).collect() }
    }

    #[test]
    fn replies_of_one_line_and_of_many_are_read() {
        let bytes = b"220 mail.gov.pk ESMTP\r\n250-mail.gov.pk\r\n250-starttls\r\n250 SIZE 1\r\n221\r\n354 go\n25";
        let many = reply(250, &["mail.gov.pk", "starttls", "SIZE 1"]);
        assert!(many.offers("STARTTLS") && many.offers("size") && !many.offers("mail.gov.pk") && !many.offers("1"));
        assert_eq!(
            all(bytes),
            Ok(vec![reply(220, &["mail.gov.pk ESMTP"]), many, reply(221, &[""]), reply(354, &["go"])])
        );
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        let long = format!("220 {}\r\n", "x".repeat(MOST_LINE));
        let endless = "220 ".to_owned() + &"x".repeat(MOST_LINE);
        let many = "250-x\r\n".repeat(MOST_LINES + 1);
        for bytes in [
            "SSH-2.0-x\r\n",
            "22\r\n",
            "\r\n",
            "2200 x\r\n",
            "+22 x\r\n",
            "250-a\r\n220 b\r\n",
            "099 x\r\n",
            &long,
            &endless,
            &many,
        ] {
            assert_eq!(all(bytes.as_bytes()), Err(NoReply), "{bytes}");
        }
    }

    #[test]
    fn what_comes_before_it_is_asked_for_is_seen() {
        for (bytes, is_ahead) in [("220 go\r\n", false), ("220 go\r\n250 x\r\n", true), ("220 go\r\n2", true)] {
            let mut replies = Replies::default();
            replies.handle_bytes(bytes.as_bytes());
            replies.poll_reply().unwrap().unwrap();
            assert_eq!(replies.is_ahead(), is_ahead, "{bytes}");
        }
    }

    proptest! {
        #[test]
        fn replies_are_the_same_in_whatever_pieces_they_come(bytes in "(2[0-9]{2}[ -][a-z]{0,5}\r?\n?){0,8}", at in 0..80_usize) {
            let mut replies = Replies::default();
            let (one, other) = bytes.as_bytes().split_at(at.min(bytes.len()));
            let mut given = Vec::new();
            let mut broken = false;
            for part in [one, other] {
                replies.handle_bytes(part);
                while !broken {
                    match replies.poll_reply() {
                        Ok(Some(reply)) => given.push(reply),
                        Ok(None) => break,
                        Err(NoReply) => broken = true,
                    }
                }
            }
            prop_assert_eq!(if broken { Err(NoReply) } else { Ok(given) }, all(bytes.as_bytes()));
        }
    }
}
