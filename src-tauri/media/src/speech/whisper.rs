//! whisper.cpp, inside the worker child: one loaded model, one window at a time.
//!
//! Owns the parameters of the decoder and what is kept of its result. Leaves everything about processes to
//! [`super::worker`] and [`super::host`].
//! Invariant: the same model, samples and parameters give the same result: no text is carried from window to window.

use super::protocol::{Answer, Hear};
use super::wav::{RATE, Wav};
use super::words::{self, Token};
use crate::{MediaError, models};
use domain::{ErrorCode, Segment};
use std::path::{Path, PathBuf};
use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperSegment, WhisperState,
};

/// whisper.cpp is handed at least this much; shorter sounds are followed by silence.
const SHORTEST: usize = RATE as usize * 11 / 10;

pub(super) struct Model {
    pub path: PathBuf,
    context: WhisperContext,
    /// Made once: its buffers are large, and whoever lacks the memory learns it at loading.
    state: WhisperState,
}

fn refused(doing: &str, error: &whisper_rs::WhisperError) -> MediaError {
    MediaError::new(ErrorCode::EngineCrashed, format!("The speech engine failed at {doing}."))
        .with_detail(error.to_string())
}

impl Model {
    /// Validates the file first: whisper.cpp itself takes a header without weights for a model.
    pub fn load(path: &Path) -> Result<Self, MediaError> {
        models::validate(path)?;
        #[cfg(target_arch = "x86_64")]
        if !std::arch::is_x86_feature_detected!("avx2") {
            let message = "This processor lacks AVX2, which Whisper models need here; use the basic engine.";
            return Err(MediaError::new(ErrorCode::EngineUnknown, message));
        }
        let context =
            WhisperContext::new_with_params(path, WhisperContextParameters::default()).map_err(|error| {
                MediaError::new(ErrorCode::ModelInvalid, "The speech engine cannot load this model file.")
                    .with_detail(error.to_string())
            })?;
        let state = context.create_state().map_err(|e| refused("starting", &e))?;
        Ok(Self { path: path.to_owned(), context, state })
    }

    pub fn multilingual(&self) -> bool {
        self.context.is_multilingual()
    }

    /// The likeliest languages between two seconds, at most ten.
    pub fn detect(&mut self, wav: &Path, start: f64, end: f64, threads: usize) -> Result<Answer, MediaError> {
        let samples = samples(wav, start, end)?;
        let state = &mut self.state;
        state.pcm_to_mel(&samples, threads).map_err(|e| refused("reading the sound", &e))?;
        let (_, probabilities) =
            state.lang_detect(0, threads).map_err(|e| refused("telling the language", &e))?;
        let mut languages: Vec<(String, f32)> = (0..)
            .zip(probabilities)
            .filter_map(|(id, p)| whisper_rs::get_lang_str(id).map(|name| (name.to_owned(), p)))
            .collect();
        languages.sort_by(|a, b| b.1.total_cmp(&a.1));
        languages.truncate(10);
        Ok(Answer::Detected { languages })
    }

    /// What is said in a window.
    pub fn hear(&mut self, order: &Hear, progress: impl FnMut(f64) + 'static) -> Result<Answer, MediaError> {
        let samples = samples(&order.wav, order.start, order.end)?;
        let length = order.end - order.start;
        self.state.full(parameters(order, progress), &samples).map_err(|e| refused("hearing", &e))?;
        let mut segments = Vec::new();
        for segment in self.state.as_iter() {
            segments.extend(self.read(&segment, length)?);
        }
        let (segments, gap) = without_loops(segments);
        Ok(Answer::Heard { segments, gap })
    }

    /// `None` for what holds no words or lies past the window's end: whisper.cpp pads to 30 s and may write there.
    fn read(&self, segment: &WhisperSegment<'_>, length: f64) -> Result<Option<Segment>, MediaError> {
        let seconds = |centis: i64| (centis as f64 / 100.0).clamp(0.0, length);
        let (start, end) = (seconds(segment.start_timestamp()), seconds(segment.end_timestamp()));
        if start >= length {
            return Ok(None);
        }
        let mut tokens = Vec::new();
        for index in 0..segment.n_tokens() {
            let Some(token) = segment.get_token(index) else { continue };
            // Ids from the end-of-text token on are marks, not text.
            if token.token_id() < self.context.token_eot() {
                let data = token.token_data();
                let bytes = token.to_bytes().map_err(|e| refused("reading its words", &e))?.to_vec();
                let (start, end) = (data.t0 as f64 / 100.0, data.t1 as f64 / 100.0);
                tokens.push(Token { bytes, start, end, probability: f64::from(data.p) });
            }
        }
        let bytes: Vec<u8> = tokens.iter().flat_map(|t| t.bytes.iter().copied()).collect();
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        if !text.chars().any(char::is_alphanumeric) || is_sound_mark(&text) {
            return Ok(None);
        }
        let words = words::join(&tokens, start, end);
        Ok(Some(Segment { start, end, text, speaker: None, words }))
    }
}

/// `[BLANK_AUDIO]`, `(music)`, `*laughs*`: what the model says about sounds, not what was said.
fn is_sound_mark(text: &str) -> bool {
    [('[', ']'), ('(', ')'), ('*', '*'), ('♪', '♪')].iter().any(|(open, close)| {
        text.strip_prefix(*open)
            .and_then(|t| t.strip_suffix(*close))
            .is_some_and(|inside| !inside.contains(*close))
    })
}

fn samples(wav: &Path, start: f64, end: f64) -> Result<Vec<f32>, MediaError> {
    let mut samples = Wav::open(wav)?.between(start, end)?;
    samples.resize(samples.len().max(SHORTEST), 0.0);
    Ok(samples)
}

fn parameters<'a>(order: &'a Hear, mut progress: impl FnMut(f64) + 'static) -> FullParams<'a, 'a> {
    let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 5 });
    parameters.set_n_threads(i32::try_from(order.threads).unwrap_or(1).max(1));
    parameters.set_language(Some(&order.language));
    parameters.set_translate(false);
    parameters.set_no_context(true);
    parameters.set_token_timestamps(true);
    parameters.set_single_segment(order.single);
    parameters.set_suppress_blank(true);
    // Hotter and hotter where the text repeats itself or the model is unsure of it, as OpenAI's reference does.
    parameters.set_temperature(0.0);
    parameters.set_temperature_inc(0.2);
    parameters.set_entropy_thold(2.4);
    parameters.set_logprob_thold(-1.0);
    parameters.set_no_speech_thold(0.6);
    for quiet in [
        FullParams::set_print_special,
        FullParams::set_print_progress,
        FullParams::set_print_realtime,
        FullParams::set_print_timestamps,
    ] {
        quiet(&mut parameters, false);
    }
    if let Some(positions) = order.audio_ctx {
        parameters.set_audio_ctx(i32::try_from(positions).unwrap_or(0));
    }
    parameters.set_progress_callback_safe(move |percent: i32| progress(f64::from(percent) / 100.0));
    parameters
}

type Kept = (Vec<Segment>, Option<(f64, f64, String)>);

/// Throws away what is one phrase over and over, within a segment or from segment to segment, and says where.
fn without_loops(segments: Vec<Segment>) -> Kept {
    const SAME: usize = 4;
    let mut kept: Vec<Segment> = Vec::new();
    let mut gap: Option<(f64, f64)> = None;
    let mut lost = |segment: &Segment| {
        gap = Some(gap.map_or((segment.start, segment.end), |(start, end)| {
            (start.min(segment.start), end.max(segment.end))
        }));
    };
    let mut rest = segments.as_slice();
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|s| s.text.eq_ignore_ascii_case(&first.text)).count();
        let (same, after) = rest.split_at(run);
        if run >= SAME || words::repetitive(&first.text) {
            same.iter().for_each(&mut lost);
        } else {
            kept.extend_from_slice(same);
        }
        rest = after;
    }
    (kept, gap.map(|(start, end)| (start, end, "The engine repeated itself here.".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start: f64, text: &str) -> Segment {
        Segment { start, end: start + 1.0, text: text.into(), speaker: None, words: vec![] }
    }

    #[test]
    fn a_phrase_over_and_over_becomes_a_gap() {
        let mut said = vec![segment(0.0, "Hello.")];
        said.extend((1..6).map(|i| segment(f64::from(i), "Thanks for watching!")));
        said.push(segment(6.0, &"la la ".repeat(20)));
        said.push(segment(7.0, "Goodbye."));
        let (kept, gap) = without_loops(said);
        assert_eq!(kept.iter().map(|s| s.text.as_str()).collect::<Vec<_>>(), ["Hello.", "Goodbye."]);
        assert_eq!(gap.map(|g| (g.0, g.1)), Some((1.0, 7.0)));
        assert_eq!(without_loops(vec![segment(0.0, "yes"), segment(1.0, "yes")]).1, None);
    }

    #[test]
    fn marks_of_sounds_are_not_speech() {
        for mark in ["[BLANK_AUDIO]", "(soft music)", "*laughs*", "♪ la ♪"] {
            assert!(is_sound_mark(mark), "{mark}");
        }
        for said in ["(a) and (b)", "[one] two", "hello", "*"] {
            assert!(!is_sound_mark(said), "{said}");
        }
    }
}
