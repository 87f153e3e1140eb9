//! A service's key, and keeping it out of everything but the one header it belongs in.
//!
//! Invariant: no `Debug`, `Display`, error or log of this crate shows a key or a recognisable part of one.

use std::fmt;
use zeroize::Zeroizing;

/// A key as the user gave it. Its memory is wiped when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// White space around it is no part of it: keys are pasted.
    pub fn new(value: &str) -> Self {
        Self(Zeroizing::new(value.trim().to_string()))
    }

    /// The value itself; hand it to a header and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text without the key, and without words that begin as the key does: services echo parts of it.
    pub fn removed_from(&self, text: &str) -> String {
        const SHOWN: &str = "[key]";
        const TELLING: usize = 8;
        if self.0.is_empty() {
            return text.to_string();
        }
        let mut clean = text.replace(self.0.as_str(), SHOWN);
        let Some(beginning) = self.0.get(..TELLING) else { return clean };
        while let Some(from) = clean.find(beginning) {
            let length = clean[from..]
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*' | '.')))
                .unwrap_or(clean.len() - from);
            clean.replace_range(from..from + length, SHOWN);
        }
        clean
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_the_key_nor_its_beginning_is_shown() {
        let key = ApiKey::new(" sk-canary-0123456789 \n");
        assert_eq!(key.expose(), "sk-canary-0123456789");
        assert_eq!(format!("{key:?}"), "ApiKey(…)");
        assert_eq!(key.removed_from("no sk-canary-0123456789!"), "no [key]!");
        assert_eq!(key.removed_from("given: sk-canar****6789. See"), "given: [key] See");
        assert_eq!(key.removed_from("nothing"), "nothing");
    }
}
