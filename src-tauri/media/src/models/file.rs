//! Reads the outside of a ggml Whisper file: header and table of tensors, without the weights.
//!
//! Owns the judgement whether a file is a whole Whisper model. Leaves loading it to whisper.cpp.
//! Invariant: reads a few kilobytes whatever the size; a cut, foreign or empty file is refused with a sentence, before
//! native code sees it.

use crate::MediaError;
use domain::ErrorCode;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub vocabulary: i32,
    pub audio_context: i32,
    pub audio_width: i32,
    pub audio_layers: i32,
    pub text_layers: i32,
    pub mels: i32,
}

impl Header {
    /// English-only models have one token less.
    pub fn multilingual(&self) -> bool {
        self.vocabulary >= 51_865
    }
}

const MAGIC: u32 = 0x6767_6d6c;

fn invalid(why: impl std::fmt::Display) -> MediaError {
    MediaError::new(ErrorCode::ModelInvalid, format!("This is no usable Whisper model file: {why}."))
}

fn cut<T>(_: T) -> MediaError {
    invalid("it is cut off; download or copy it again")
}

/// Judges a model file.
///
/// Errors: `MODEL_INVALID` saying why; `MODEL_MISSING` when there is no such file; `STORAGE_FAULT`.
pub fn validate(path: &Path) -> Result<Header, MediaError> {
    let file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            MediaError::new(ErrorCode::ModelMissing, "The speech model's file is gone; download it again.")
        }
        _ => MediaError::storage("Opening the speech model", &error),
    })?;
    let about = file.metadata().map_err(|e| MediaError::storage("Opening the speech model", &e))?;
    if !about.is_file() {
        return Err(invalid("it is no regular file"));
    }
    let mut reader = Fields { size: about.len(), file: BufReader::with_capacity(64 << 10, file) };
    let header = read_header(&mut reader)?;
    let found = count_tensors(&mut reader)?;
    let expected = 11 + 15 * header.audio_layers + 24 * header.text_layers;
    match found {
        0 => Err(invalid("it is a header without weights")),
        found if found < expected => Err(cut(())),
        found if found > expected => Err(invalid("it holds tensors that are not Whisper's")),
        _ => Ok(header),
    }
}

struct Fields {
    file: BufReader<File>,
    size: u64,
}

impl Fields {
    fn int(&mut self) -> Result<i32, MediaError> {
        let mut bytes = [0u8; 4];
        self.file.read_exact(&mut bytes).map_err(cut)?;
        Ok(i32::from_le_bytes(bytes))
    }

    fn position(&mut self) -> Result<u64, MediaError> {
        self.file.stream_position().map_err(cut)
    }

    fn skip(&mut self, bytes: u64) -> Result<(), MediaError> {
        if bytes > self.size || self.position()? + bytes > self.size {
            return Err(cut(()));
        }
        self.file.seek_relative(i64::try_from(bytes).map_err(cut)?).map_err(cut)
    }
}

fn read_header(fields: &mut Fields) -> Result<Header, MediaError> {
    let magic = fields.int().map_err(|_| invalid("it is too short"))? as u32;
    match &magic.to_le_bytes() {
        _ if magic == MAGIC => {}
        b"GGUF" => return Err(invalid("it is a GGUF file, such as a language model")),
        _ => return Err(invalid("it is another kind of file")),
    }
    let mut p = [0i32; 11];
    for value in &mut p {
        *value = fields.int()?;
    }
    let [
        vocabulary,
        audio_context,
        audio_width,
        audio_heads,
        audio_layers,
        text_context,
        text_width,
        text_heads,
        text_layers,
        mels,
        kind,
    ] = p;
    let plausible = (51_864..=51_900).contains(&vocabulary)
        && (1..=3_000).contains(&audio_context)
        && (1..=4_096).contains(&text_context)
        && (1..=64).contains(&audio_layers)
        && (1..=64).contains(&text_layers)
        && [80, 128].contains(&mels)
        && (0..=2_999).contains(&kind)
        && [(audio_width, audio_heads), (text_width, text_heads)]
            .iter()
            .all(|&(width, heads)| (16..=4_096).contains(&width) && heads > 0 && width % heads == 0);
    if !plausible {
        return Err(invalid("its header makes no sense (is it another ggml model?)"));
    }
    let (filters, bins) = (fields.int()?, fields.int()?);
    if filters != mels || bins != 201 {
        return Err(invalid("its mel filters make no sense"));
    }
    fields.skip(filters as u64 * bins as u64 * 4)?;
    let tokens = fields.int()?;
    if !(1..=vocabulary).contains(&tokens) {
        return Err(invalid("its vocabulary makes no sense"));
    }
    for _ in 0..tokens {
        let length = u64::try_from(fields.int()?).map_err(|_| invalid("its vocabulary makes no sense"))?;
        if length > 1_024 {
            return Err(invalid("its vocabulary makes no sense"));
        }
        fields.skip(length)?;
    }
    Ok(Header { vocabulary, audio_context, audio_width, audio_layers, text_layers, mels })
}

fn count_tensors(fields: &mut Fields) -> Result<i32, MediaError> {
    let odd = || invalid("its table of tensors makes no sense");
    let mut count = 0;
    while fields.position()? < fields.size {
        let (dimensions, name, kind) = (fields.int()?, fields.int()?, fields.int()?);
        let (block, bytes) = block_of(kind).ok_or_else(odd)?;
        if !(1..=4).contains(&dimensions) || !(1..=256).contains(&name) {
            return Err(odd());
        }
        let mut elements = 1u64;
        for _ in 0..dimensions {
            let length =
                u64::try_from(fields.int()?).ok().filter(|l| (1..=1 << 24).contains(l)).ok_or_else(odd)?;
            elements = elements.checked_mul(length).ok_or_else(odd)?;
        }
        fields.skip(name as u64)?;
        fields.skip(elements.div_ceil(block).checked_mul(bytes).ok_or_else(odd)?)?;
        count += 1;
    }
    Ok(count)
}

/// Values and bytes of one block of a ggml type.
fn block_of(kind: i32) -> Option<(u64, u64)> {
    Some(match kind {
        0 => (1, 4),
        1 | 30 => (1, 2),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        _ => return None,
    })
}
