//! Text for people: names made harmless, times, sizes, tables.
//!
//! Invariant: nothing that came from outside reaches the terminal without [`plain`].

use console::{Alignment, measure_text_width, pad_str, truncate_str};
use domain::UtcTime;

/// A name on one line, with nothing in it that moves the cursor, colours or turns the text around.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for each in text.chars() {
        match each {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push(' '),
            // Marks that reverse the reading direction, and invisible line ends.
            '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{2028}'
            | '\u{2029}' => {
                out.push_str(&format!("\\u{{{:x}}}", each as u32));
            }
            _ if each.is_control() => out.push_str(&format!("\\x{:02x}", each as u32)),
            _ => out.push(each),
        }
    }
    out
}

/// `4:07` or `1:02:03`, from seconds.
pub fn clock(seconds: f64) -> String {
    let whole = if seconds.is_finite() { seconds.max(0.0) as u64 } else { 0 };
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

/// `3.2 MB`, decimal as file managers show it.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if value < 999.5 || unit == "TB" {
            return if unit == "B" || value >= 99.5 {
                format!("{value:.0} {unit}")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1000.0;
    }
    format!("{bytes} B")
}

/// Now, on the wall clock.
pub fn now() -> UtcTime {
    UtcTime(jiff::Timestamp::now().as_millisecond())
}

/// `3 min ago`, `in 2 h`, `now`.
pub fn relative(time: UtcTime, now: UtcTime) -> String {
    let millis = now.since(time);
    let span = span(millis.unsigned_abs() / 1000);
    match (span, millis >= 0) {
        (None, _) => "now".into(),
        (Some(span), true) => format!("{span} ago"),
        (Some(span), false) => format!("in {span}"),
    }
}

fn span(seconds: u64) -> Option<String> {
    Some(match seconds {
        0..=1 => return None,
        2..=89 => format!("{seconds} s"),
        90..=5399 => format!("{} min", (seconds + 30) / 60),
        5400..=129_599 => format!("{} h", (seconds + 1800) / 3600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    })
}

/// The local time of day, with the date when it is another day: `14:05`, `2026-11-22 14:05`.
pub fn local(time: UtcTime, now: UtcTime) -> String {
    let zone = jiff::tz::TimeZone::system();
    let at =
        |time: UtcTime| jiff::Timestamp::from_millisecond(time.0).map(|stamp| stamp.to_zoned(zone.clone()));
    match (at(time), at(now)) {
        (Ok(at), Ok(now)) if at.date() == now.date() => at.strftime("%H:%M").to_string(),
        (Ok(at), _) => at.strftime("%Y-%m-%d %H:%M").to_string(),
        _ => time.to_string(),
    }
}

/// One column of a table.
pub struct Column {
    pub title: &'static str,
    pub right: bool,
    /// May be cut to fit the terminal.
    pub cut: bool,
}

/// A column of text that keeps its width.
pub const fn column(title: &'static str) -> Column {
    Column { title, right: false, cut: false }
}

/// A column of numbers.
pub const fn number(title: &'static str) -> Column {
    Column { title, right: true, cut: false }
}

/// A column that is cut where the terminal is too narrow.
pub const fn wide(title: &'static str) -> Column {
    Column { title, right: false, cut: true }
}

/// Rows under their titles, aligned; lines are cut to `width` where one is given (a terminal). Cells may be coloured.
pub fn table(columns: &[Column], rows: &[Vec<String>], width: Option<usize>) -> String {
    let mut widths: Vec<usize> = columns.iter().map(|column| column.title.len()).collect();
    for row in rows {
        for (index, cell) in row.iter().enumerate() {
            widths[index] = widths[index].max(measure_text_width(cell));
        }
    }
    if let Some(width) = width {
        narrow(columns, &mut widths, width);
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (index, cell) in cells.enumerate() {
            let cell = truncate_str(cell, widths[index], "…");
            let side = if columns[index].right { Alignment::Right } else { Alignment::Left };
            line.push_str(&pad_str(&cell, widths[index], side, None));
            line.push_str("  ");
        }
        line.trim_end().to_string() + "\n"
    };
    let mut out = line(&mut columns.iter().map(|column| column.title));
    for row in rows {
        out.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    out
}

/// Takes what is too much from the columns that may be cut, the widest first.
fn narrow(columns: &[Column], widths: &mut [usize], width: usize) {
    const LEAST: usize = 12;
    let gaps = 2 * columns.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        let widest =
            (0..widths.len()).filter(|i| columns[*i].cut && widths[*i] > LEAST).max_by_key(|i| widths[*i]);
        let Some(widest) = widest else { return };
        widths[widest] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_reach_the_terminal() {
        assert_eq!(plain("a\nb\u{1b}[31mc\u{7}\u{9b}1m"), "a\\nb\\x1b[31mc\\x07\\x9b1m");
        assert_eq!(plain("gpj.\u{202e}exe"), "gpj.\\u{202e}exe");
        assert_eq!(plain("Ação – 映画 🎬"), "Ação – 映画 🎬");
    }

    #[test]
    fn times_and_sizes_are_short() {
        assert_eq!(
            (clock(0.0), clock(247.9), clock(3723.0)),
            ("0:00".into(), "4:07".into(), "1:02:03".into())
        );
        assert_eq!(clock(f64::NAN), "0:00");
        assert_eq!(
            (size(0), size(999), size(1000), size(3_200_000), size(147_951_465)),
            ("0 B".into(), "999 B".into(), "1.0 kB".into(), "3.2 MB".into(), "148 MB".into())
        );
        let now = UtcTime(1_000_000_000);
        assert_eq!(relative(now, now), "now");
        assert_eq!(relative(now.plus_millis(-180_000), now), "3 min ago");
        assert_eq!(relative(now.plus_millis(7_200_000), now), "in 2 h");
        assert_eq!(relative(now.plus_millis(-259_200_000), now), "3 days ago");
    }

    #[test]
    fn tables_are_aligned_and_fit() {
        let columns = [column("ID"), number("SIZE"), wide("TITLE")];
        let rows = vec![
            vec!["t1".into(), "9 B".into(), "映画".into()],
            vec!["t22".into(), "12.5 MB".into(), "a title that is far too long for it".into()],
        ];
        assert_eq!(
            table(&columns, &rows, None),
            "ID      SIZE  TITLE\nt1       9 B  映画\nt22  12.5 MB  a title that is far too long for it\n"
        );
        let narrow = table(&columns, &rows, Some(30));
        assert!(narrow.lines().all(|line| measure_text_width(line) <= 30), "{narrow}");
        assert!(narrow.contains('…'));
    }
}
