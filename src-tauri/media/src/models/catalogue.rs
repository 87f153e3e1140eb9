//! The Whisper models that can be downloaded by name.
//!
//! Invariant: every entry is pinned to one revision, its length and its SHA-256; nothing else is taken for it.

use super::Languages;

/// The revision of the model repository that lengths and hashes belong to.
const REVISION: &str = "5359861c739e955e79d9a303bcbc70fb988958b1";

/// A model that can be downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelEntry {
    pub name: &'static str,
    /// Of the file.
    pub bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: &'static str,
    /// Bytes it takes in memory beyond the file's own, while it works.
    working: u64,
}

impl ModelEntry {
    /// Names that end in `.en`, quantised or not, hear English only.
    pub fn languages(&self) -> Languages {
        if self.name.contains(".en") { Languages::Only(vec!["en".into()]) } else { Languages::Multilingual }
    }

    /// Bytes of memory it needs while it works; whisper.cpp's own figures, rounded up.
    pub fn memory(&self) -> u64 {
        self.bytes + self.working
    }

    /// Where it is downloaded from. A mirror holds the same files under the same names; empty for the usual place.
    pub fn url(&self, mirror: &str) -> String {
        let file = super::file_name(self.name);
        match mirror.trim().trim_end_matches('/') {
            "" => format!("https://huggingface.co/ggerganov/whisper.cpp/resolve/{REVISION}/{file}"),
            base => format!("{base}/{file}"),
        }
    }
}

/// All of them, small to large.
pub fn catalogue() -> &'static [ModelEntry] {
    CATALOGUE
}

/// The entry of that name.
pub fn entry(name: &str) -> Option<&'static ModelEntry> {
    CATALOGUE.iter().find(|entry| entry.name == name)
}

/// The best model that this machine runs at a good pace: `memory` bytes in all, `cores` to work with.
/// Rule of thumb: a model should take at most a quarter of the memory, and hear faster than one listens.
pub fn suggest(memory: u64, cores: usize) -> &'static ModelEntry {
    let wanted = match cores {
        0..=2 => "base-q5_1",
        3..=7 => "small-q5_1",
        _ => "large-v3-turbo-q5_0",
    };
    let ladder = ["large-v3-turbo-q5_0", "small-q5_1", "base-q5_1", "tiny-q5_1"];
    let fitting = ladder.iter().skip_while(|name| **name != wanted).filter_map(|name| entry(name));
    fitting.clone().find(|entry| entry.memory() <= memory / 4).or(fitting.last()).unwrap_or(&CATALOGUE[0])
}

const fn model(name: &'static str, bytes: u64, working_mib: u64, sha256: &'static str) -> ModelEntry {
    ModelEntry { name, bytes, sha256, working: working_mib << 20 }
}

#[cfg(test)]
pub(super) const fn for_tests(name: &'static str, bytes: u64, sha256: &'static str) -> ModelEntry {
    model(name, bytes, 0, sha256)
}

const CATALOGUE: &[ModelEntry] = &[
    model("tiny", 77_691_713, 200, "be07e048e1e599ad46341c8d2a135645097a538221678b7acdd1b1919c6e1b21"),
    model("tiny-q8_0", 43_537_433, 200, "c2085835d3f50733e2ff6e4b41ae8a2b8d8110461e18821b09a15c40c42d1cca"),
    model("tiny-q5_1", 32_152_673, 200, "818710568da3ca15689e31a743197b520007872ff9576237bba97bd1b469c3d7"),
    model("tiny.en", 77_704_715, 200, "921e4cf8686fdd993dcd081a5da5b6c365bfde1162e72b08d75ac75289920b1f"),
    model(
        "tiny.en-q8_0",
        43_550_795,
        200,
        "5bc2b3860aa151a4c6e7bb095e1fcce7cf12c7b020ca08dcec0c6d018bb7dd94",
    ),
    model(
        "tiny.en-q5_1",
        32_166_155,
        200,
        "c77c5766f1cef09b6b7d47f21b546cbddd4157886b3b5d6d4f709e91e66c7c2b",
    ),
    model("base", 147_951_465, 260, "60ed5bc3dd14eea856493d334349b405782ddcaf0028d4b5df4088345fba2efe"),
    model("base-q8_0", 81_768_585, 260, "c577b9a86e7e048a0b7eada054f4dd79a56bbfa911fbdacf900ac5b567cbb7d9"),
    model("base-q5_1", 59_707_625, 260, "422f1ae452ade6f30a004d7e5c6a43195e4433bc370bf23fac9cc591f01a8898"),
    model("base.en", 147_964_211, 260, "a03779c86df3323075f5e796cb2ce5029f00ec8869eee3fdfb897afe36c6d002"),
    model(
        "base.en-q8_0",
        81_781_811,
        260,
        "a4d4a0768075e13cfd7e19df3ae2dbc4a68d37d36a7dad45e8410c9a34f8c87e",
    ),
    model(
        "base.en-q5_1",
        59_721_011,
        260,
        "4baf70dd0d7c4247ba2b81fafd9c01005ac77c2f9ef064e00dcf195d0e2fdd2f",
    ),
    model("small", 487_601_967, 400, "1be3a9b2063867b937e64e2ec7483364a79917e157fa98c5d94b5c1fffea987b"),
    model("small-q5_1", 190_085_487, 400, "ae85e4a935d7a567bd102fe55afc16bb595bdb618e11b2fc7591bc08120411bb"),
    model("small.en", 487_614_201, 400, "c6138d6d58ecc8322097e0f987c32f1be8bb0a18532a3f88f734d1bbf9c41e5d"),
    model(
        "small.en-q8_0",
        264_477_561,
        400,
        "67a179f608ea6114bd3fdb9060e762b588a3fb3bd00c4387971be4d177958067",
    ),
    model(
        "small.en-q5_1",
        190_098_681,
        400,
        "bfdff4894dcb76bbf647d56263ea2a96645423f1669176f4844a1bf8e478ad30",
    ),
    model("medium", 1_533_763_059, 700, "6c14d5adee5f86394037b4e4e8b59f1673b6cee10e3cf0b11bbdbee79c156208"),
    model(
        "medium-q8_0",
        823_369_779,
        700,
        "42a1ffcbe4167d224232443396968db4d02d4e8e87e213d3ee2e03095dea6502",
    ),
    model(
        "medium-q5_0",
        539_212_467,
        700,
        "19fea4b380c3a618ec4723c3eef2eb785ffba0d0538cf43f8f235e7b3b34220f",
    ),
    model(
        "medium.en",
        1_533_774_781,
        700,
        "cc37e93478338ec7700281a7ac30a10128929eb8f427dda2e865faa8f6da4356",
    ),
    model(
        "medium.en-q8_0",
        823_382_461,
        700,
        "43fa2cd084de5a04399a896a9a7a786064e221365c01700cea4666005218f11c",
    ),
    model(
        "medium.en-q5_0",
        539_225_533,
        700,
        "76733e26ad8fe1c7a5bf7531a9d41917b2adc0f20f2e4f5531688a8c6cd88eb0",
    ),
    model(
        "large-v3-turbo",
        1_624_555_275,
        800,
        "1fc70f774d38eb169993ac391eea357ef47c88757ef72ee5943879b7e8e2bc69",
    ),
    model(
        "large-v3-turbo-q8_0",
        874_188_075,
        800,
        "317eb69c11673c9de1e1f0d459b253999804ec71ac4c23c17ecf5fbe24e259a1",
    ),
    model(
        "large-v3-turbo-q5_0",
        574_041_195,
        800,
        "394221709cd5ad1f40c46e6031ca61bce88931e6e088c188294c6d5a55ffa7e2",
    ),
    model(
        "large-v3",
        3_095_033_483,
        1000,
        "64d182b440b98d5203c4f9bd541544d84c605196c4f7b845dfa11fb23594d1e2",
    ),
    model(
        "large-v3-q5_0",
        1_081_140_203,
        1000,
        "d75795ecff3f83b5faa89d1900604ad8c780abd5739fae406de19f23ecd98ad1",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_whole_and_apart() {
        let mut names = std::collections::HashSet::new();
        for entry in catalogue() {
            assert!(names.insert(entry.name), "{} stands twice", entry.name);
            assert!(
                entry.sha256.len() == 64 && entry.sha256.bytes().all(|b| b.is_ascii_hexdigit()),
                "{}",
                entry.name
            );
            assert!(entry.bytes > 30_000_000, "{}", entry.name);
        }
        assert!(names.contains("tiny.en") && names.contains("large-v3-turbo-q5_0"));
    }

    #[test]
    fn the_suggestion_fits_the_machine() {
        const GIB: u64 = 1 << 30;
        assert_eq!(suggest(32 * GIB, 16).name, "large-v3-turbo-q5_0");
        assert_eq!(suggest(16 * GIB, 4).name, "small-q5_1");
        assert_eq!(suggest(4 * GIB, 16).name, "small-q5_1");
        assert_eq!(suggest(8 * GIB, 2).name, "base-q5_1");
        assert_eq!(suggest(GIB / 2, 2).name, "tiny-q5_1");
    }

    #[test]
    fn a_mirror_changes_the_place_not_the_name() {
        let entry = entry("base").unwrap();
        assert_eq!(entry.url("http://localhost:1/models/"), "http://localhost:1/models/ggml-base.bin");
        assert!(entry.url("").contains(REVISION));
    }
}
