//! Text from the network, made safe to show: names, headers and certificates are written by strangers.

use std::fmt::{self, Write};

/// The most characters of a foreign text that are shown.
const SHOWN: usize = 200;

/// Displays a foreign text with control characters, line breaks, terminal escapes and bidirectional overrides escaped,
/// and cut at 200 characters.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a str);

/// Displays a text that may quote foreign ones, escaped in the same way and not cut.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(f, "{}…", Escaped(self.0.get(..end).unwrap_or_default())),
            None => Escaped(self.0).fmt(f),
        }
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| {
            if is_hostile(character) { write!(f, "{}", character.escape_unicode()) } else { f.write_char(character) }
        })
    }
}

/// Characters that change how the text around them is shown (Unicode categories Cc, Zl, Zp and the bidirectional
/// controls of UAX #9, with the zero-width characters).
pub fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_and_overrides_are_shown_not_obeyed() {
        assert_eq!(Printable("a\u{1b}[31mb\u{202e}c\n").to_string(), "a\\u{1b}[31mb\\u{202e}c\\u{a}");
        assert_eq!(Printable("پہرا").to_string(), "پہرا");
        assert_eq!(Escaped("a\u{9b}2J").to_string(), "a\\u{9b}2J");
    }

    #[test]
    fn a_long_foreign_text_is_cut() {
        assert_eq!(Escaped(&"x".repeat(10_000)).to_string().chars().count(), 10_000);
        assert_eq!(Printable(&"پ".repeat(SHOWN)).to_string(), "پ".repeat(SHOWN));
        assert_eq!(Printable(&"x".repeat(10_000)).to_string().chars().count(), SHOWN + 1);
    }
}
