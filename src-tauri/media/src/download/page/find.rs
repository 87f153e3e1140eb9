//! What one document names: media, frames, player scripts, a title.
//!
//! Owns the knowledge where pages keep their videos. Leaves fetching to [`super`], and the text inside scripts to
//! [`super::text`].

use super::text::{self, is_media, is_playlist, is_sound, mentions};
use crate::download::NetPolicy;
use crate::download::client::resolve;
use crate::download::name::clean_title;
use scraper::{ElementRef, Html, Selector};
use serde_json::Value;
use std::collections::HashSet;
use url::Url;

/// An address that may be the video.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) url: Url,
    /// The document it stands in: its referer.
    pub(super) page: Url,
    /// How much speaks for it; about 20 (a link) to 120 (a playlist in the page's own metadata).
    pub(super) weight: i32,
}

/// Everything found in one document.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) title: Option<String>,
    pub(super) candidates: Vec<Candidate>,
    /// Documents within this one.
    pub(super) frames: Vec<Url>,
    /// Scripts that may hold a player's configuration.
    pub(super) scripts: Vec<Url>,
    /// The first refusal of an address by the guard.
    pub(super) refused: Option<crate::MediaError>,
}

/// Frames written into the document itself are read in place, this deep.
const DEEPEST_SRCDOC: usize = 2;

/// Reads a document.
pub(super) fn read(html: &str, url: &Url, policy: &NetPolicy) -> Document {
    let mut reader = Reader { base: url.clone(), page: url, policy, found: Document::default() };
    reader.html(html, 0);
    reader.into_document()
}

/// Reads a script or configuration fetched for `page`.
pub(super) fn read_script(script: &str, url: &Url, page: &Url, policy: &NetPolicy) -> Document {
    let mut reader = Reader { base: url.clone(), page, policy, found: Document::default() };
    reader.script(script);
    reader.into_document()
}

struct Reader<'a> {
    base: Url,
    page: &'a Url,
    policy: &'a NetPolicy,
    found: Document,
}

impl Reader<'_> {
    fn into_document(mut self) -> Document {
        let mut seen = HashSet::new();
        // The strongest mention of an address counts.
        self.found.candidates.sort_by_key(|c| std::cmp::Reverse(c.weight));
        self.found.candidates.retain(|c| seen.insert(c.url.clone()));
        for list in [&mut self.found.frames, &mut self.found.scripts] {
            let mut seen = HashSet::new();
            list.retain(|url| seen.insert(url.clone()));
        }
        self.found
    }

    fn html(&mut self, html: &str, depth: usize) {
        let tree = Html::parse_document(html);
        if let Some(base) = first(&tree, "base[href]", "href").and_then(|href| self.page.join(&href).ok()) {
            self.base = base;
        }
        if depth == 0 {
            self.found.title = title(&tree);
        }
        self.metadata(&tree);
        self.elements(&tree);
        self.frames(&tree, depth);
        for script in all(&tree, "script") {
            let body: String = script.text().collect();
            if script.attr("type").is_some_and(|t| t.eq_ignore_ascii_case("application/ld+json")) {
                self.linked_data(&body);
            } else {
                self.script(&body);
            }
        }
        // Lazy loaders keep the real markup for those who run no scripts.
        for hidden in all(&tree, "noscript") {
            let inner: String = hidden.text().collect();
            if depth < DEEPEST_SRCDOC && inner.contains('<') {
                self.html(&inner, depth + 1);
            }
        }
    }

    fn metadata(&mut self, tree: &Html) {
        let frame_like = meta(tree, "og:video:type").is_some_and(|t| t.contains("html"));
        for name in ["og:video:secure_url", "og:video:url", "og:video"] {
            if let Some(address) = meta(tree, name) {
                match frame_like && !is_media(&address) {
                    true => self.frame(&address),
                    false => self.candidate(&address, 85),
                }
            }
        }
        if let Some(address) = meta(tree, "twitter:player:stream") {
            self.candidate(&address, 85);
        }
        if let Some(address) = meta(tree, "twitter:player") {
            self.frame(&address);
        }
        for element in all(tree, "[itemprop]") {
            let address = element.attr("content").or(element.attr("href")).or(element.attr("src"));
            match (element.attr("itemprop").map(str::to_ascii_lowercase).as_deref(), address) {
                (Some("contenturl"), Some(address)) => self.candidate(address, 85),
                (Some("embedurl"), Some(address)) => self.frame(address),
                _ => {}
            }
        }
    }

    fn elements(&mut self, tree: &Html) {
        for video in all(tree, "video, audio") {
            // Silent films that run in a loop are decoration.
            let decoration = video.attr("loop").is_some() && video.attr("muted").is_some();
            let sound = video.value().name() == "audio";
            let weight = if decoration {
                35
            } else if sound {
                50
            } else {
                80
            };
            let sources = video.descendent_elements().filter(|e| e.value().name() == "source");
            for element in std::iter::once(video).chain(sources) {
                for name in ["src", "data-src", "data-lazy-src"] {
                    if let Some(address) = element.attr(name).filter(|a| !a.is_empty()) {
                        self.candidate(address, weight);
                    }
                }
            }
        }
        for link in all(tree, "a[href]") {
            let address = link.attr("href").unwrap_or_default();
            if is_media(address) {
                self.candidate(address, 25);
            }
        }
        for link in all(tree, "link[href]") {
            let address = link.attr("href").unwrap_or_default();
            if is_media(address) {
                self.candidate(address, 70);
            }
        }
        for element in all(tree, "*") {
            for (name, value) in element.value().attrs() {
                if name.starts_with("data-") || name == "value" || name == "flashvars" {
                    self.mentioned(value, 60);
                }
            }
            let names =
                element.attr("class").into_iter().chain(element.attr("id")).flat_map(str::split_whitespace);
            for hash in names.filter_map(|n| n.strip_prefix("wistia_async_")) {
                self.candidate(&format!("https://fast.wistia.com/embed/medias/{hash}.m3u8"), 80);
            }
        }
    }

    fn frames(&mut self, tree: &Html, depth: usize) {
        for frame in all(tree, "iframe, frame, embed, object") {
            for name in ["src", "data-src", "data-lazy-src", "data-litespeed-src", "data"] {
                match frame.attr(name) {
                    Some(address) if is_media(address) => self.candidate(address, 75),
                    Some(address) => self.frame(address),
                    None => {}
                }
            }
            if let Some(inner) = frame.attr("srcdoc").filter(|_| depth < DEEPEST_SRCDOC) {
                self.html(inner, depth + 1);
            }
        }
        for script in all(tree, "script[src]") {
            self.player_script(script.attr("src").unwrap_or_default());
        }
    }

    /// A script's text: addresses of media, and of further scripts of players that load themselves.
    fn script(&mut self, body: &str) {
        self.mentioned(body, 60);
        let plain = text::unescaped(body);
        for token in text::tokens(&plain).filter(|t| t.contains("//")) {
            if token.starts_with("http") || token.starts_with("//") {
                self.player_script(token);
            }
        }
    }

    fn mentioned(&mut self, text: &str, weight: i32) {
        for mention in mentions(text) {
            let weight = if mention.by_type { weight - 5 } else { weight };
            self.candidate(&mention.address, weight);
        }
    }

    fn linked_data(&mut self, body: &str) {
        let Ok(data) = serde_json::from_str::<Value>(body.trim()) else {
            // Broken JSON is still text.
            self.mentioned(body, 60);
            return;
        };
        let mut stack = vec![&data];
        while let Some(value) = stack.pop() {
            match value {
                Value::Array(list) => stack.extend(list),
                Value::Object(object) => {
                    let is_video = match object.get("@type") {
                        Some(Value::String(kind)) => kind == "VideoObject",
                        Some(Value::Array(kinds)) => kinds.iter().any(|k| k == "VideoObject"),
                        _ => false,
                    };
                    if is_video {
                        let text = |key: &str| object.get(key).and_then(Value::as_str);
                        if let Some(address) = text("contentUrl").or(text("contentURL")) {
                            self.candidate(address, 90);
                        }
                        if let Some(address) = text("embedUrl").or(text("embedURL")) {
                            self.frame(address);
                        }
                        self.found.title = self.found.title.take().or(text("name").and_then(clean_title));
                    }
                    stack.extend(object.values());
                }
                _ => {}
            }
        }
    }

    fn candidate(&mut self, address: &str, weight: i32) {
        let address = address.trim();
        if address.starts_with("blob:") || address.starts_with("data:") || address.starts_with("javascript:")
        {
            return;
        }
        match resolve(&self.base, address, self.policy) {
            Ok(url) => {
                let weight = weight + merit(&url);
                self.found.candidates.push(Candidate { url, page: self.page.clone(), weight });
            }
            Err(error) => self.found.refused = self.found.refused.take().or(Some(error)),
        }
    }

    fn frame(&mut self, address: &str) {
        let address = address.trim();
        if address.is_empty() || address.starts_with("about:") || address.starts_with("javascript:") {
            return;
        }
        // Frames the guard refuses are left out: pages are full of frames that hold no video.
        if let Ok(url) = resolve(&self.base, address, self.policy) {
            self.found.frames.push(url);
        }
    }

    /// Scripts of players carry the configuration of one video; libraries carry none.
    fn player_script(&mut self, address: &str) {
        let lower = address.to_ascii_lowercase();
        let path = lower.split(['?', '#']).next().unwrap_or_default();
        let code = [".js", ".json", ".jsonp"].iter().any(|e| path.ends_with(e));
        let telling =
            ["/players/", "/player/", "/player", "/embed/", "/medias/", "config", "converteai", "vturb"];
        let library =
            ["jquery", "hls.", "video.js", "video.min.js", "plyr.", "jwplayer.js", "react", "shaka", "dash."];
        let name = path.rsplit('/').next().unwrap_or_default();
        if code
            && telling.iter().any(|t| path.contains(t))
            && !library.iter().any(|l| name.starts_with(l))
            && let Ok(url) = resolve(&self.base, address, self.policy)
        {
            self.found.scripts.push(url);
        }
    }
}

/// What an address's own words say for or against it.
fn merit(url: &Url) -> i32 {
    let text = url.as_str().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
    let mut merit = 0;
    if is_playlist(&text) {
        merit += 25;
    }
    if has(&["master", "main.m3u8", "playlist.m3u8"]) {
        merit += 5;
    }
    if is_sound(&text) {
        merit -= 40;
    }
    if has(&["/ads/", "/ad/", "doubleclick", "adserver", "vast", "preroll", "midroll", "/advert"]) {
        merit -= 60;
    }
    if has(&[
        "preview",
        "thumb",
        "teaser",
        "sprite",
        "poster",
        "storyboard",
        "background",
        "hover",
        "/bg",
        "placeholder",
    ]) {
        merit -= 25;
    }
    let heights = [("2160", 12), ("1440", 11), ("1080", 10), ("720", 7), ("480", 4), ("360", 2)];
    merit + heights.iter().find(|(height, _)| text.contains(height)).map_or(0, |(_, bonus)| *bonus)
}

fn title(tree: &Html) -> Option<String> {
    let tag = || all(tree, "title").first().and_then(|t| clean_title(&t.text().collect::<String>()));
    let heading = || all(tree, "h1").first().and_then(|t| clean_title(&t.text().collect::<String>()));
    let named = |name| meta(tree, name).and_then(|t| clean_title(&t));
    named("og:title").or_else(|| named("twitter:title")).or_else(tag).or_else(heading)
}

/// The content of `<meta property=…>` or `<meta name=…>`.
fn meta(tree: &Html, name: &str) -> Option<String> {
    all(tree, "meta")
        .into_iter()
        .find(|m| m.attr("property").or(m.attr("name")).is_some_and(|n| n.eq_ignore_ascii_case(name)))
        .and_then(|m| m.attr("content"))
        .filter(|content| !content.trim().is_empty())
        .map(ToOwned::to_owned)
}

fn first(tree: &Html, selector: &str, attribute: &str) -> Option<String> {
    all(tree, selector).first().and_then(|e| e.attr(attribute)).map(ToOwned::to_owned)
}

/// The elements a selector names; the selectors are our own constants, a wrong one finds nothing.
fn all<'a>(tree: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    Selector::parse(selector).map(|s| tree.select(&s).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(html: &str) -> Document {
        read(html, &Url::parse("https://site.example/sales/page.html").unwrap(), &NetPolicy::default())
    }

    fn best(html: &str) -> String {
        found(html).candidates.first().map(|c| c.url.to_string()).unwrap_or_default()
    }

    #[test]
    fn players_of_sales_pages_are_read() {
        // A smart player that loads itself, with its stream named for preloading.
        let page = r#"<link rel="preload" href="https://cdn.converteai.net/acc/vid/main.m3u8" as="fetch">
            <div id="vid_65f"></div><script>var s=document.createElement("script");
            s.src="https://scripts.converteai.net/acc/players/65f/player.js";</script>"#;
        let document = found(page);
        assert_eq!(document.candidates[0].url.path(), "/acc/vid/main.m3u8");
        assert_eq!(document.scripts[0].path(), "/acc/players/65f/player.js");
        assert_eq!(
            best(r#"<div class="wistia_embed wistia_async_abc123 popover=true"></div>"#),
            "https://fast.wistia.com/embed/medias/abc123.m3u8"
        );
        assert_eq!(found(r#"<iframe src="//fast.wistia.net/embed/iframe/abc"></iframe>"#).frames.len(), 1);
    }

    #[test]
    fn the_video_is_ranked_over_decoration_and_advertisement() {
        let page = r#"<video loop muted autoplay src="/img/background.mp4"></video>
            <video src="/ads/preroll.mp4"></video><a href="old.mp4">old</a>
            <video><source src="film-720.mp4"><source src="film-1080.mp4"></video>"#;
        assert_eq!(best(page), "https://site.example/sales/film-1080.mp4");
    }

    #[test]
    fn base_lazy_and_inline_frames_are_understood() {
        let page = r#"<base href="https://static.example/v/"><noscript><iframe src="player.html"></iframe></noscript>
            <iframe srcdoc="<video src='film.mp4'></video>"></iframe>"#;
        let document = found(page);
        assert_eq!(document.frames[0].as_str(), "https://static.example/v/player.html");
        assert_eq!(document.candidates[0].url.as_str(), "https://static.example/v/film.mp4");
    }

    #[test]
    fn private_and_foreign_addresses_are_no_candidates() {
        let document = found(
            r#"<video src="http://169.254.169.254/x.mp4"></video><video src="file:///etc/passwd"></video>
               <iframe src="http://127.0.0.1/"></iframe><video src="blob:https://a/b"></video>"#,
        );
        assert!(document.candidates.is_empty() && document.frames.is_empty());
        assert_eq!(document.refused.unwrap().code, domain::ErrorCode::HostBlocked);
    }

    #[test]
    fn titles_come_from_the_best_place() {
        let page = "<title>Plain</title><meta property='og:title' content='  The\n Offer '><h1>Head</h1>";
        assert_eq!(found(page).title.as_deref(), Some("The Offer"));
        assert_eq!(found("<title>Plain</title>").title.as_deref(), Some("Plain"));
    }
}
