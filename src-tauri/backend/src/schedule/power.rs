//! Whether the machine is on mains power.
//!
//! Invariant: a machine of which that cannot be known counts as on mains.

use std::path::Path;

/// Reads Linux' power supplies below `folder`
/// (<https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-class-power>): on mains while a charger says so, and
/// where no battery feeds the machine.
pub(super) fn on_mains(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return true };
    let mut battery = false;
    for entry in entries.flatten() {
        let read = |name: &str| {
            std::fs::read_to_string(entry.path().join(name))
                .map(|text| text.trim().to_string())
                .unwrap_or_default()
        };
        // A mouse or a headset has a battery too; theirs has the scope of a device.
        match read("type").as_str() {
            "Battery" if read("scope") != "Device" => battery = true,
            "Mains" | "USB" if read("online") == "1" => return true,
            _ => {}
        }
    }
    !battery
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supply(folder: &Path, name: &str, files: &[(&str, &str)]) {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (file, text) in files {
            std::fs::write(folder.join(file), format!("{text}\n")).unwrap();
        }
    }

    #[test]
    fn only_a_battery_alone_is_no_mains() {
        let folder = tempfile::tempdir().unwrap();
        assert!(on_mains(&folder.path().join("nowhere")));
        assert!(on_mains(folder.path()), "no battery at all");
        supply(folder.path(), "hidpp_battery_0", &[("type", "Battery"), ("scope", "Device")]);
        assert!(on_mains(folder.path()), "the battery of a mouse");
        supply(folder.path(), "BAT0", &[("type", "Battery")]);
        assert!(!on_mains(folder.path()));
        supply(folder.path(), "AC", &[("type", "Mains"), ("online", "0")]);
        assert!(!on_mains(folder.path()));
        supply(folder.path(), "AC", &[("online", "1")]);
        assert!(on_mains(folder.path()));
    }
}
