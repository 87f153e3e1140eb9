//! Labels over transcripts made here: the rules, the lists and their limits.

use super::*;
use domain::{UtcTime, Word};

fn lists() -> Lists {
    let folder = tempfile::tempdir().unwrap();
    let (lists, problems) = Lists::load(folder.path());
    assert_eq!(problems, []);
    lists
}

/// One segment a line, ten seconds each, words half a second apart.
fn transcript(language: &str, text: &str) -> Transcript {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let segments: Vec<Segment> = lines
        .enumerate()
        .map(|(index, line)| {
            let start = index as f64 * 10.0;
            let words = line.split(' ').enumerate().map(|(place, word)| Word {
                start: start + place as f64 * 0.5,
                end: start + place as f64 * 0.5 + 0.4,
                text: word.into(),
                confidence: None,
            });
            Segment { start, end: start + 10.0, text: line.into(), speaker: None, words: words.collect() }
        })
        .collect();
    Transcript {
        transcript_id: "t".into(),
        media_id: "m".into(),
        language: language.into(),
        engine: "basic".into(),
        duration: segments.len() as f64 * 10.0,
        text: segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(" "),
        segments,
        gaps: Vec::new(),
        complete: true,
        parent: None,
        revision: 0,
        created_at: UtcTime(0),
    }
}

fn best<'a>(categories: &'a [Category], axis: &str) -> Option<&'a Category> {
    categories.iter().find(|category| category.axis == axis)
}

fn labels<'a>(categories: &'a [Category], axis: &str) -> Vec<&'a str> {
    categories
        .iter()
        .filter(|category| category.axis == axis)
        .map(|category| category.label.as_str())
        .collect()
}

fn label<'a>(categories: &'a [Category], axis: &str) -> &'a str {
    labels(categories, axis).first().copied().unwrap_or_default()
}

const ENGLISH: &str = "
    Have you ever wondered why you can't lose weight no matter what you eat?
    My name is Karen and three years ago I was forty pounds overweight.
    I tried every diet and still my belly fat would not go away.
    Then a doctor from Harvard published a study about metabolism.
    A clinical trial with two thousand people showed how to burn fat while you sleep.
    My customers lost weight, and here is a testimonial from Mary, who says it changed my life.
    Today you can order six bottles with free shipping.
    And there is a 60 day money back guarantee, so there is no risk.
    This offer ends tonight, so act now while supplies last.
    Click the button below and choose your package, order now.";

const PORTUGUESE: &str = "
    Você já tentou de tudo para emagrecer e nada funcionou?
    Meu nome é Ana e há dois anos eu descobri um segredo sobre a gordura da barriga.
    Os médicos disseram que o meu metabolismo era lento.
    Um estudo publicado na Universidade de São Paulo mostrou como queimar gordura sem dieta.
    Veja o depoimento da Maria, que perdeu dez quilos: mudou minha vida.
    Hoje o kit com cinco potes sai com desconto e frete grátis.
    Você tem garantia incondicional de trinta dias ou o seu dinheiro de volta.
    São as últimas unidades e a oferta acaba hoje.
    Clique no botão abaixo e garanta o seu agora.";

const SPANISH: &str = "
    ¿Alguna vez te has preguntado por qué no puedes ganar dinero por internet?
    Me llamo Luis y hace años yo era empleado con muchas deudas.
    Con este método de marketing digital trabajo desde casa como afiliado.
    Mis alumnos ya tienen ingresos extra, mira los resultados y los testimonios.
    El curso incluye un bono de regalo y garantía de siete días, sin riesgo.
    Quedan pocos cupos, solo por hoy con descuento.
    Haz clic en el botón de abajo e inscríbete ahora.";

#[test]
fn an_english_sales_video() {
    let categories = categorize(&transcript("en", ENGLISH), &lists());
    assert_eq!(label(&categories, "niche"), "weight loss");
    assert_eq!(label(&categories, "topic"), "health");
    assert!(labels(&categories, "call_to_action").contains(&"click"));
    assert_eq!(label(&categories, "language"), "en");
    assert!(labels(&categories, "offer").contains(&"guarantee"), "{:?}", labels(&categories, "offer"));
    assert!(best(&categories, "proof").is_some() && best(&categories, "hook").is_some());
    let niche = best(&categories, "niche").unwrap();
    let phrase = niche.evidence.iter().find(|evidence| evidence.phrase == "lose weight").unwrap();
    assert_eq!((phrase.count, phrase.first_at), (1, 3.5), "the second of its first word");
}

#[test]
fn a_portuguese_sales_video_with_and_without_accents() {
    let accented = categorize(&transcript("pt", PORTUGUESE), &lists());
    assert_eq!(label(&accented, "niche"), "weight loss");
    assert!(labels(&accented, "call_to_action").contains(&"click"));
    assert_eq!(label(&accented, "language"), "pt");
    let plain = categorize(&transcript("pt", &crate::search::fold(PORTUGUESE)), &lists());
    let scores = |categories: &[Category]| -> Vec<(String, String, f64)> {
        categories.iter().map(|c| (c.axis.clone(), c.label.clone(), c.score)).collect()
    };
    assert_eq!(scores(&accented), scores(&plain));
}

#[test]
fn a_spanish_sales_video() {
    let categories = categorize(&transcript("es", SPANISH), &lists());
    assert_eq!(label(&categories, "niche"), "make money online");
    assert_eq!(label(&categories, "topic"), "money");
    assert!(labels(&categories, "call_to_action").contains(&"click"));
    assert!(!labels(&categories, "offer").is_empty());
}

#[test]
fn the_language_is_seen_when_nobody_told() {
    let categories = categorize(&transcript("und", PORTUGUESE), &lists());
    assert_eq!(label(&categories, "language"), "pt");
    assert_eq!(label(&categories, "niche"), "weight loss");
    assert_eq!(categorize(&transcript("und", ""), &lists()), []);
    let german = categorize(&transcript("de", "Guten Tag"), &lists());
    assert_eq!((german.len(), label(&german, "language")), (1, "de"), "no lists, but a language");
}

#[test]
fn the_same_words_give_the_same_labels_in_the_same_order() {
    let lists = lists();
    let first = categorize(&transcript("en", ENGLISH), &lists);
    for _ in 0..3 {
        assert_eq!(categorize(&transcript("en", ENGLISH), &self::lists()), first);
    }
    assert!(first.iter().all(|category| category.engine == lists.engine()));
    assert!(lists.engine().starts_with("rules:"));
}

#[test]
fn hooks_are_heard_in_the_first_minute_only() {
    let talk = "the weather was fine that day in town\n".repeat(7);
    let late = format!("{talk}have you ever wondered why, did you know");
    assert_eq!(best(&categorize(&transcript("en", &late), &lists()), "hook"), None);
    let early = format!("have you ever wondered why, did you know\n{talk}");
    assert_eq!(label(&categorize(&transcript("en", &early), &lists()), "hook"), "question");
}

#[test]
fn a_single_stray_word_decides_nothing() {
    let talk = "we walked to the river and looked at the stones\nthere was one doctor among us";
    let categories = categorize(&transcript("en", talk), &lists());
    assert_eq!(best(&categories, "topic"), None, "{categories:?}");
    assert_eq!(best(&categories, "niche"), None);
}

#[test]
fn phrases_run_over_the_end_of_a_segment() {
    let talk = transcript("en", "there is a full money\nback guarantee and it is real");
    let categories = categorize(&talk, &lists());
    let offer = best(&categories, "offer").unwrap();
    assert_eq!(offer.label, "guarantee");
    assert!(offer.evidence.iter().any(|evidence| evidence.phrase == "money back"));
}

#[test]
fn the_users_lists_add_and_take_out() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("categories");
    std::fs::create_dir(&own).unwrap();
    let mine = r#"{"language": "en", "axes": {"niche": {"beekeeping": ["honey*", "bee hive"], "weight loss": ["-lose weight"]}}}"#;
    std::fs::write(own.join("mine.json"), mine).unwrap();
    let french = r#"{"language": "fr", "axes": {"niche": {"minceur": ["maigrir"]}}}"#;
    std::fs::write(own.join("new.json"), french).unwrap();
    for (name, broken) in [
        ("a.json", "{"),
        ("b.json", r#"{"language": "english", "axes": {}}"#),
        ("c.json", r#"{"language": "en", "axes": {"colour": {}}}"#),
        ("d.json", r#"{"language": "en", "axes": {"niche": {"x": ["***"]}}}"#),
    ] {
        std::fs::write(own.join(name), broken).unwrap();
    }
    let (changed, problems) = Lists::load(folder.path());
    let files: Vec<&str> = problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(files, ["a.json", "b.json", "c.json", "d.json"]);
    assert_ne!(changed.engine(), lists().engine(), "other lists, another version");
    assert_eq!(changed.languages().collect::<Vec<_>>(), ["en", "es", "fr", "pt"]);
    let bees = transcript("en", "honeycomb and honey from the bee hive, so you lose weight");
    let categories = categorize(&bees, &changed);
    assert_eq!(label(&categories, "niche"), "beekeeping");
    assert!(!categories.iter().any(|category| category.label == "weight loss"));
    let french = categorize(&transcript("fr", "maigrir, oui, maigrir"), &changed);
    assert_eq!(label(&french, "niche"), "minceur");
}
