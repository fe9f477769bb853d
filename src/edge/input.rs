//! A file that somebody names, or standard input: unpacked where it is gzip, by its first bytes and not by its name, and
//! never more of it than a bound, since a small file can unpack to more than a machine has.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use flate2::bufread::GzDecoder;
use jiff::Timestamp;
use nix::fcntl::OFlag;

/// The name of standard input.
pub const STANDARD_INPUT: &str = "-";

/// The most bytes of a file that a person names that are read, unpacked: some million traceroutes.
pub const MOST: u64 = 4 << 30;

/// How much of the beginning can be looked at before anything is read.
const HEAD: u64 = 4096;

/// The first bytes of gzip (RFC 1952).
const GZIP: &[u8] = &[0x1f, 0x8b];

/// What other files begin with, and what to do about it.
const FOREIGN: [(&[u8], &str); 4] = [
    (b"BZh", "it is packed by bzip2: unpack it, as in `bzip2 -dc FILE | pehra judge -`"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "it is packed by xz: unpack it, as in `xz -dc FILE | pehra judge -`"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "it is packed by zstd: unpack it, as in `zstd -dc FILE | pehra judge -`"),
    (&[0x12, 0x05], "it is in scamper's own form (warts): print it, as in `sc_warts2json FILE | pehra judge -`"),
];

/// A file from its beginning.
pub struct Input {
    /// Its first bytes, at most 4096, to see what it is; the reader yields them too.
    pub head: Vec<u8>,
    /// All of it.
    pub reader: Box<dyn BufRead + Send>,
}

/// What tells a file from what it was before, without reading it: its size, and when it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    size: u64,
    changed: SystemTime,
}

impl Stamp {
    /// When it was changed; the beginning of time where that is beyond the calendar.
    pub fn changed(self) -> Timestamp {
        Timestamp::try_from(self.changed).unwrap_or(Timestamp::MIN)
    }
}

/// What the file or directory at `path` is like now; `None` when it is not there.
pub fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp { size: metadata.len(), changed: metadata.modified().ok()? })
}

/// The file at `path`, or standard input if that is `-`; more than `most` bytes, unpacked, are an error.
pub fn open(path: &Path, most: u64) -> io::Result<Input> {
    if path == Path::new(STANDARD_INPUT) {
        return unpacked(io::stdin(), most);
    }
    unpacked(OpenOptions::new().read(true).open(path)?, most)
}

/// The file at `path`, and neither a pipe nor a device, of which nobody knows when they end.
pub fn open_file(path: &Path, most: u64) -> io::Result<Input> {
    // What is opened is looked at, since `path` may be another thing by now. To open a pipe takes somebody who writes to
    // it, unless nobody waits.
    let at_once = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let file = OpenOptions::new().read(true).custom_flags(at_once).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file: name one"));
    }
    unpacked(file, most)
}

/// What comes out of `raw`, and an error once that is more than `most` bytes.
fn unpacked(raw: impl Read + Send + 'static, most: u64) -> io::Result<Input> {
    let (head, raw) = peek(raw)?;
    let reader: Box<dyn Read + Send> = if head.starts_with(GZIP) {
        Box::new(Unpacked(Some(GzDecoder::new(BufReader::new(raw)))))
    } else {
        Box::new(raw)
    };
    let (head, reader) = peek(Bounded { reader, most, left: most })?;
    if let Some((_, cure)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, *cure));
    }
    Ok(Input { head, reader: Box::new(BufReader::new(reader)) })
}

/// The first bytes of `reader`, and a reader of all.
fn peek<R: Read>(mut reader: R) -> io::Result<(Vec<u8>, impl Read + use<R>)> {
    let mut head = Vec::new();
    reader.by_ref().take(HEAD).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

/// A reader that yields `left` bytes more, and complains of any beyond.
struct Bounded<R> {
    reader: R,
    most: u64,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let Some(left) = self.left.checked_sub(read as u64) else {
            let why = format!("it holds more than {} MiB: split it", self.most >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        };
        self.left = left;
        Ok(read)
    }
}

/// A reader of gzip, one member after the other, that says what is wrong with it; none after the last.
struct Unpacked<R>(Option<GzDecoder<BufReader<R>>>);

impl<R: Read> Unpacked<R> {
    /// From the next member, where the present one is at its end.
    fn read_member(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(mut rest) = self.0.take().map(GzDecoder::into_inner) else { break };
            let next = rest.fill_buf()?;
            if next.is_empty() {
                break;
            }
            if !next.iter().zip(GZIP).all(|(byte, magic)| byte == magic) {
                let why = "after the end of the gzip file there is something else: fetch it again, or leave that out, as \
                           in `gzip -dc FILE | pehra judge -`";
                return Err(io::Error::other(why));
            }
            self.0 = Some(GzDecoder::new(rest));
        }
        Ok(0)
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_member(buffer).map_err(|error| {
            let kind = error.kind();
            if kind == io::ErrorKind::UnexpectedEof {
                io::Error::new(kind, "the gzip file is cut short: fetch it again, or pack it again")
            } else if matches!(kind, io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) {
                io::Error::new(kind, format!("the gzip file is damaged ({error}): fetch it again"))
            } else {
                error
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: Vec<u8>, most: u64) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        unpacked(Cursor::new(bytes), most)?.reader.read_to_end(&mut all)?;
        Ok(all)
    }

    #[test]
    fn what_is_packed_comes_out_as_it_went_in() {
        let text = b"[{\"prb_id\": 1}]\n".repeat(1000);
        assert_eq!(read(text.clone(), MOST).unwrap(), text);
        assert_eq!(read(packed(&text), MOST).unwrap(), text);
        let two_members = [packed(&text), packed(b"more")].concat();
        assert_eq!(read(two_members, MOST).unwrap(), [&text[..], b"more"].concat());
        assert_eq!(read(Vec::new(), MOST).unwrap(), Vec::<u8>::new());
        assert_eq!(unpacked(Cursor::new(packed(&text)), MOST).unwrap().head, text[..4096]);
    }

    #[test]
    fn what_has_become_a_pipe_a_device_or_a_directory_is_refused_as_soon_as_it_is_opened() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe.json");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for path in [&pipe, Path::new("/dev/zero"), directory.path()] {
            let error = open_file(path, MOST).err().unwrap();
            assert!(error.to_string().contains("is no file"), "{}: {error}", path.display());
        }
    }

    #[test]
    fn a_cut_or_damaged_file_is_told_from_a_whole_one() {
        let whole = packed(&(0..200_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
        for cut in [3, 11, whole.len() / 2, whole.len() - 1] {
            let error = read(whole[..cut].to_vec(), MOST).unwrap_err();
            assert!(error.to_string().contains("cut short"), "{cut}: {error}");
        }
        let mut damaged = whole.clone();
        let end = damaged.len() - 6;
        damaged[end] ^= 1;
        assert!(read(damaged, MOST).unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn what_follows_on_gzip_and_is_none_is_no_cut() {
        let whole = packed(&b"text ".repeat(3000));
        for rest in [&b"x"[..], b"garbage", b"\0\0\0\0", &b"garbage ".repeat(3000)] {
            let error = read([&whole, rest].concat(), MOST).unwrap_err().to_string();
            assert!(error.contains("after the end of the gzip file there is something else"), "{error}");
        }
        let cut = read([&whole, &whole[..4]].concat(), MOST).unwrap_err().to_string();
        assert!(cut.contains("cut short"), "{cut}");
    }

    #[test]
    fn a_file_that_unpacks_to_more_than_the_bound_is_refused_as_soon_as_that_shows() {
        let bomb = packed(&vec![b' '; 3 << 20]);
        let error = read(bomb.clone(), 1 << 20).unwrap_err();
        assert!(error.to_string().contains("more than 1 MiB"), "{error}");
        assert_eq!(read(bomb, 3 << 20).unwrap().len(), 3 << 20);
    }

    #[test]
    fn other_packings_are_named() {
        for (bytes, word) in [
            (&b"BZh91AY"[..], "bzip2"),
            (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
            (&[0x28, 0xb5, 0x2f, 0xfd, 0], "zstd"),
            (&[0x12, 0x05, 0, 1], "sc_warts2json"),
        ] {
            for bytes in [bytes.to_vec(), packed(bytes)] {
                assert!(read(bytes, MOST).unwrap_err().to_string().contains(word), "{word}");
            }
        }
    }
}
