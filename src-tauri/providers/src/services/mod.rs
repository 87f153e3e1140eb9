//! The services, one file each: their requests, their answers, nothing else.

mod assemblyai;
mod deepgram;
mod elevenlabs;
mod gemini;
mod language;
mod openai;
mod words;

pub(crate) use assemblyai::AssemblyAi;
pub(crate) use deepgram::Deepgram;
pub(crate) use elevenlabs::ElevenLabs;
pub(crate) use gemini::Gemini;
pub(crate) use openai::OpenAi;
