//! How a camera was held, from a JPEG's Exif part (Exif 2.32, 4.6.4 A, tag 0x0112).

use crate::intake::open;
use std::io::Read;
use std::path::Path;

/// The Exif part comes first and is at most 64 KiB, after at most a small JFIF part.
const HEAD: u64 = 128 << 10;

/// Clockwise degrees to turn the picture; none without a word on it. Mirrored pictures are only turned.
pub(super) fn rotation(path: &Path) -> Option<u32> {
    let mut head = Vec::new();
    open(path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
    match orientation(&head)? {
        3 | 4 => Some(180),
        5 | 6 => Some(90),
        7 | 8 => Some(270),
        _ => Some(0),
    }
}

fn orientation(jpeg: &[u8]) -> Option<u16> {
    let mut rest = jpeg.strip_prefix(b"\xff\xd8")?;
    loop {
        let [0xff, marker, high, low, ..] = *rest else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let body = rest.get(4..2 + length)?;
        if marker == 0xe1
            && let Some(tiff) = body.strip_prefix(b"Exif\0\0")
        {
            return in_tiff(tiff);
        }
        // Pixels begin: nothing was said.
        if marker == 0xda {
            return None;
        }
        rest = &rest[2 + length..];
    }
}

fn in_tiff(tiff: &[u8]) -> Option<u16> {
    let big = match tiff.get(..2)? {
        b"MM" => true,
        b"II" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = tiff.get(at..at + 2)?.try_into().ok()?;
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let long = |at: usize| {
        let bytes = tiff.get(at..at + 4)?.try_into().ok()?;
        Some(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let directory = usize::try_from(long(4)?).ok()?;
    let entries = usize::from(short(directory)?);
    let entry = (0..entries).map(|index| directory + 2 + 12 * index).find(|at| short(*at) == Some(0x0112))?;
    short(entry + 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(big: bool, orientation: u16) -> Vec<u8> {
        let two = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let four = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let mark = if big { b"MM" } else { b"II" };
        let mut tiff = mark.to_vec();
        tiff.extend(two(42));
        tiff.extend(four(8));
        tiff.extend(two(1));
        tiff.extend(two(0x0112));
        tiff.extend(two(3));
        tiff.extend(four(1));
        tiff.extend(two(orientation));
        tiff.extend(two(0));
        let mut jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xe1".to_vec();
        jpeg.extend((tiff.len() as u16 + 8).to_be_bytes());
        jpeg.extend(b"Exif\0\0");
        jpeg.extend(tiff);
        jpeg
    }

    #[test]
    fn both_byte_orders_and_cut_files() {
        assert_eq!(orientation(&jpeg(true, 6)), Some(6));
        assert_eq!(orientation(&jpeg(false, 8)), Some(8));
        for cut in 0..jpeg(true, 6).len() {
            // Never a panic, whatever is missing.
            let _ = orientation(&jpeg(true, 6)[..cut]);
        }
        assert_eq!(orientation(b"\xff\xd8\xff\xda\x00\x02"), None);
    }
}
