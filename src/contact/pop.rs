//! How the point of presence that answered calls itself: labels in headers, and in the answers of name servers.
//!
//! Who writes which label in which form is a table (`geodb/pops.csv`), each row with where that is documented. A label
//! names a place and proves nothing: whoever answers can write any header. What it counts for is decided where it is known
//! who announces the address.
//!
//! A form describes one element of a header, all of it: `@` is the code of a place, three letters; `%` a country, two
//! capital letters; `#` a number; `*` anything but a dot; whatever else stands for itself. What is in front of `>` is no
//! part of the label: it is another one in each answer.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::Contact;
use super::exchange::{Answer, Exchange, HttpOutcome, TRACE_PATH};
use crate::place::CountryCode;

/// The table that ships.
const SHIPPED: &str = include_str!("../../geodb/pops.csv");

/// The most characters of an element that is read: several times the longest that any operator writes.
const LONGEST: usize = 96;

/// The most elements of a header that are looked at, the last ones.
const MOST_ELEMENTS: usize = 32;

/// The line of that page which names the place, and the header as which it is kept.
const TRACE_LINE: &str = "colo";

/// Where the answers of name servers are said to be from.
const NAME_SERVER: &str = "nsid";

/// A label by which a point of presence names itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PopLabel {
    /// Where it was written: `cf-ray`, `x-amz-cf-pop`, `nsid`.
    pub source: String,
    /// What was written there.
    pub label: String,
}

/// Where a label says that it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spot<'a> {
    /// The code of an airport or a city, in whatever case.
    Code(&'a str),
    /// A country.
    Country(CountryCode),
}

/// What a label says, if it is from the points of presence of this operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PopReading<'a> {
    /// Who writes such labels.
    pub operator: &'a str,
    /// Where it says that it is.
    pub spot: Spot<'a>,
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PopTableFault {
    /// It is no such table at all.
    #[error("it is no table of labels (source,operator,elements,form,documented): {0}")]
    Foreign(String),
    /// A row cannot be used.
    #[error("{0}: {1}")]
    Row(String, &'static str),
}

/// How operators write labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PopTable(Vec<Row>);

/// One way of one operator.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    source: String,
    operator: String,
    elements: Elements,
    form: Form,
}

/// Which elements of a header name the point that answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Elements {
    /// The last: of caches in a row it is the one that answered.
    Last,
    /// Any that has the form.
    Any,
    /// None: the header names who answered, and no place.
    None,
}

/// What an element looks like: first what is left out, then the label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Form {
    left_out: Vec<Token>,
    label: Vec<Token>,
}

/// What a piece of an element looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Code,
    Country,
    Number,
    Run,
    Itself(u8),
}

/// The labels in what `contact` answered, each once, in order: none where it was not spoken to by HTTP. Where the
/// operator's own page names the place, what its headers may say of a place behind it is left out.
pub fn labels(contact: &Contact) -> Vec<PopLabel> {
    let mut found: BTreeSet<PopLabel> = contact.exchanges.iter().flat_map(labels_of).collect();
    if found.iter().any(|label| label.source == TRACE_LINE) {
        found.retain(|label| label.source != "cf-ray");
    }
    found.into_iter().collect()
}

/// The label by which a name server calls itself (NSID or `id.server`), where it is in a form that somebody uses.
pub fn of_name_server(calls_itself: &str) -> Option<PopLabel> {
    let rows = PopTable::shipped().of(NAME_SERVER);
    rows.into_iter().find_map(|row| row.label(calls_itself))
}

fn labels_of(exchange: &Exchange) -> Vec<PopLabel> {
    let HttpOutcome::Answered(answer) = &exchange.outcome else { return Vec::new() };
    let is_trace = path(&exchange.url) == TRACE_PATH;
    let applies = |row: &&Row| row.source != NAME_SERVER && (row.source != TRACE_LINE || is_trace);
    PopTable::shipped().0.iter().filter(applies).flat_map(|row| row.labels(answer)).collect()
}

/// The path of an absolute URL, without its query.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default();
    path.split(['?', '#']).next().unwrap_or_default()
}

impl PopTable {
    /// The table that is part of the binary.
    pub fn shipped() -> &'static Self {
        static TABLE: LazyLock<PopTable> = LazyLock::new(|| PopTable::parse(SHIPPED).unwrap_or_default());
        &TABLE
    }

    /// Reads a table: CSV of source, operator, elements (`last`, `any` or `none`), form, documented.
    pub fn parse(table: &str) -> Result<Self, PopTableFault> {
        #[derive(Deserialize)]
        struct Written {
            source: String,
            operator: String,
            elements: Elements,
            form: String,
            documented: String,
        }
        let mut rows = Vec::new();
        for written in csv::Reader::from_reader(table.as_bytes()).into_deserialize() {
            let written: Written = written.map_err(|error| PopTableFault::Foreign(error.to_string()))?;
            let Written { source, operator, elements, form, documented } = written;
            let fault = |what| PopTableFault::Row(source.clone(), what);
            if documented.is_empty() {
                return Err(fault("no source: write where that is documented"));
            }
            if (elements == Elements::None) != form.is_empty() {
                return Err(fault("a form goes with last or any, and none without one"));
            }
            let form = Form::parse(&form).ok_or_else(|| fault("no form: write one @ or %, and two * at most"))?;
            rows.push(Row { source, operator, elements, form });
        }
        if rows.is_empty() { Err(PopTableFault::Foreign("it is empty".to_owned())) } else { Ok(Self(rows)) }
    }

    /// What `label` says by each operator that writes such labels.
    pub fn readings<'a>(&'a self, label: &'a PopLabel) -> impl Iterator<Item = PopReading<'a>> {
        self.of(&label.source).filter_map(|row| {
            let spot = find(&row.form.label, bounded(&label.label)?)?;
            Some(PopReading { operator: &row.operator, spot })
        })
    }

    /// How many ways there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a Row> {
        self.0.iter().filter(move |row| row.source == source)
    }
}

impl Row {
    fn labels(&self, answer: &Answer) -> Vec<PopLabel> {
        let named = answer.headers.iter().filter(|(name, _)| *name == self.source);
        let elements: Vec<String> = named.flat_map(|(_, value)| value.split(',')).map(bare).collect();
        let last = elements.iter().rev();
        match self.elements {
            Elements::Last => last.take(1).filter_map(|element| self.label(element)).collect(),
            Elements::Any => last.take(MOST_ELEMENTS).filter_map(|element| self.label(element)).collect(),
            Elements::None => Vec::new(),
        }
    }

    /// The label in an element of this form.
    fn label(&self, element: &str) -> Option<PopLabel> {
        let label = self.form.label_in(bounded(element)?)?;
        Some(PopLabel { source: self.source.clone(), label: label.to_owned() })
    }
}

/// An element without the blanks and quotes in it.
fn bare(element: &str) -> String {
    element.chars().take(2 * LONGEST).filter(|character| !matches!(character, ' ' | '\t' | '"')).collect()
}

/// The text, if it is one that somebody may have written as a label.
fn bounded(text: &str) -> Option<&str> {
    let is_sound = |byte: u8| byte.is_ascii_graphic();
    (text.len() <= LONGEST && text.bytes().all(is_sound)).then_some(text)
}

impl Form {
    /// The form; `None` where it names no place or several, or takes long to look for.
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let (left_out, label) = text.split_once('>').unwrap_or(("", text));
        let tokens = |text: &str| text.bytes().map(Token::of).collect::<Vec<_>>();
        let form = Self { left_out: tokens(left_out), label: tokens(label) };
        let all = || form.left_out.iter().chain(&form.label);
        let places = form.label.iter().filter(|token| matches!(token, Token::Code | Token::Country)).count();
        let runs = all().filter(|token| **token == Token::Run).count();
        (places == 1 && runs <= 2 && text.len() <= LONGEST).then_some(form)
    }

    /// The label at the end of `element`, if that has the form.
    fn label_in<'t>(&self, element: &'t str) -> Option<&'t str> {
        let starts = (0..=element.len()).rev().filter_map(|at| element.split_at_checked(at));
        let mut split = starts.filter(|(left_out, _)| fits(&self.left_out, left_out));
        split.find_map(|(_, label)| find(&self.label, label).map(|_| label))
    }
}

impl Token {
    fn of(byte: u8) -> Self {
        match byte {
            b'@' => Self::Code,
            b'%' => Self::Country,
            b'#' => Self::Number,
            b'*' => Self::Run,
            other => Self::Itself(other),
        }
    }

    /// How many bytes of `text` it may take: the fewest, and the most.
    fn takes(self, text: &[u8]) -> Option<(usize, usize)> {
        let leading = |is: fn(&u8) -> bool| text.iter().take_while(|byte| is(byte)).count();
        let (least, most) = match self {
            Self::Code => (3, leading(u8::is_ascii_alphabetic).min(3)),
            Self::Country => (2, leading(u8::is_ascii_uppercase).min(2)),
            Self::Number => (1, leading(u8::is_ascii_digit)),
            Self::Run => (1, leading(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))),
            Self::Itself(byte) => (1, usize::from(text.first() == Some(&byte))),
        };
        (most >= least).then_some((least, most))
    }
}

/// Whether all of `text` looks like that.
fn fits(tokens: &[Token], text: &str) -> bool {
    let Some((token, rest)) = tokens.split_first() else { return text.is_empty() };
    let Some((least, most)) = token.takes(text.as_bytes()) else { return false };
    (least..=most).any(|taken| text.get(taken..).is_some_and(|left| fits(rest, left)))
}

/// The place in `text`, if all of it looks like that.
fn find<'t>(tokens: &[Token], text: &'t str) -> Option<Spot<'t>> {
    let (token, rest) = tokens.split_first()?;
    let (least, most) = token.takes(text.as_bytes())?;
    (least..=most).rev().find_map(|taken| {
        let (piece, left) = text.split_at_checked(taken)?;
        match token {
            Token::Code => fits(rest, left).then_some(Spot::Code(piece)),
            Token::Country => Some(Spot::Country(piece.parse().ok()?)).filter(|_| fits(rest, left)),
            Token::Number | Token::Run | Token::Itself(_) => find(rest, left),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::ContactOutcome;
    use crate::moment::Rtt;

    /// A conversation in which each URL was answered with these headers.
    fn spoken(answers: &[(&str, &[(&str, &str)])]) -> Contact {
        let exchange = |(url, headers): &(&str, &[(&str, &str)])| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let answer = Answer {
                status: 200,
                took_ns: Rtt::default(),
                headers,
                body_bytes: 0,
                body_cut: false,
                redirect: None,
                resources: Vec::new(),
                resources_left_out: 0,
            };
            Exchange { url: (*url).to_owned(), outcome: HttpOutcome::Answered(answer) }
        };
        let outcome = ContactOutcome::Connected { rtt_ns: Rtt::from_ms(1.0).unwrap(), samples: 1 };
        let started = "2026-11-21T12:00:00Z".parse().unwrap();
        let silent = Contact::silent("104.16.0.1".parse().unwrap(), 443, started, 1, outcome);
        Contact { exchanges: answers.iter().map(exchange).collect(), ..silent }
    }

    fn told(headers: &[(&str, &str)]) -> Vec<String> {
        let contact = spoken(&[("https://portal.gov.pk/", headers)]);
        labels(&contact).into_iter().map(|PopLabel { source, label }| format!("{source} {label}")).collect()
    }

    /// Where a label says that it is, by the first operator that writes such.
    fn read(source: &str, label: &str) -> Option<String> {
        let label = PopLabel { source: source.to_owned(), label: label.to_owned() };
        let reading = PopTable::shipped().readings(&label).next()?;
        Some(match reading.spot {
            Spot::Code(code) => format!("{} {code}", reading.operator),
            Spot::Country(country) => format!("{} in {country}", reading.operator),
        })
    }

    #[test]
    fn the_shipped_table_is_read_whole() {
        assert_eq!(PopTable::parse(SHIPPED).as_ref(), Ok(PopTable::shipped()));
        assert_eq!(PopTable::shipped().len(), SHIPPED.lines().count() - 1);
        let headers = PopTable::shipped().0.iter().map(|row| row.source.as_str());
        let mut headers = headers.filter(|source| ![NAME_SERVER, TRACE_LINE].contains(source));
        assert!(headers.all(|header| super::super::exchange::KEPT.contains(&header)), "what is read is kept");
    }

    #[test]
    fn each_operator_s_label_is_found_and_read() {
        for (header, value, label, reading) in [
            ("cf-ray", "8f2a1b3c4d5e6f70-KHI", "KHI", "Cloudflare KHI"),
            ("x-amz-cf-pop", "FRA56-P4", "FRA56-P4", "Amazon FRA"),
            ("x-served-by", "cache-fra-etou8220100-FRA", "cache-fra-etou8220100-FRA", "Fastly FRA"),
            ("x-77-pop", "pragueCZ", "pragueCZ", "CDN77 in CZ"),
            (
                "server-timing",
                "cdn-cache-miss, cdn-pop; desc=\"SIN2-C1\", cdn-rid;desc=\"x==\"",
                "SIN2-C1",
                "Amazon SIN",
            ),
        ] {
            assert_eq!(told(&[(header, value)]), [format!("{header} {label}")]);
            assert_eq!(read(header, label).as_deref(), Some(reading), "{header} {label}");
        }
    }

    #[test]
    fn of_several_caches_the_last_is_the_one_that_answered() {
        let both = "cache-bom4722-BOM, cache-khi1234-KHI";
        assert_eq!(told(&[("x-served-by", both)]), ["x-served-by cache-khi1234-KHI"]);
        let lines = [("x-served-by", "cache-khi1234-KHI"), ("x-served-by", "cache-bom4722-BOM")];
        assert_eq!(told(&lines), ["x-served-by cache-bom4722-BOM"]);
        assert_eq!(told(&[("x-served-by", "cache-khi1234-KHI, mine")]), Vec::<String>::new());
    }

    #[test]
    fn headers_that_name_no_place_and_pages_of_others_give_no_label() {
        for (header, value) in [
            ("x-azure-ref", "20240131T161259Z-15f6f8c7b4bq9xyz"),
            ("x-iinfo", "10-12345-0 0NNN RT(1)"),
            ("x-cache", "TCP_HIT from a23-1-1-1.deploy.akamaitechnologies.com"),
            ("colo", "KHI"),
            ("nsid", "KHI"),
            ("server", "cloudflare"),
        ] {
            assert_eq!(told(&[(header, value)]), Vec::<String>::new(), "{header}");
        }
    }

    #[test]
    fn the_page_that_names_the_place_goes_before_the_header() {
        let answers: [(&str, &[(&str, &str)]); 2] = [
            ("https://portal.gov.pk/", &[("cf-ray", "8f2a1b3c4d5e6f70-SIN")]),
            ("https://portal.gov.pk/cdn-cgi/trace?x", &[("colo", "KHI"), ("cf-ray", "8f2a1b3c4d5e6f71-SIN")]),
        ];
        let labels = labels(&spoken(&answers));
        assert_eq!(labels, [PopLabel { source: "colo".to_owned(), label: "KHI".to_owned() }]);
    }

    #[test]
    fn what_is_in_no_form_is_refused_however_it_is_written() {
        let long = format!("{}-KHI", "a".repeat(LONGEST));
        for value in [
            "KHI",
            "-KHI",
            "8f2a-KH1",
            "8f2a-KHIX",
            "8f2a-\u{1b}[2J-KHI",
            "<script>-KHI",
            "8f2a-K\u{202e}HI",
            "",
            ",,,",
            long.as_str(),
        ] {
            assert_eq!(told(&[("cf-ray", value)]), Vec::<String>::new(), "{value:?}");
        }
        for label in ["frankfurt", "frankfurtdE", "CZ", "\u{1b}[2JCZ"] {
            assert_eq!(told(&[("x-77-pop", label)]), Vec::<String>::new(), "{label:?}");
        }
        let many = vec!["cdn-pop;desc=FRA1-P1"; 10_000].join(",");
        assert_eq!(told(&[("server-timing", &many)]), ["server-timing FRA1-P1"]);
        assert_eq!(read("cf-ray", "KHI\u{1b}"), None);
        assert_eq!(read("x-unknown", "KHI"), None);
    }

    #[test]
    fn a_name_server_is_read_by_the_form_in_which_it_calls_itself() {
        for (calls_itself, reading) in [
            ("gpdns-fra", "Google fra"),
            ("KHI", "Cloudflare KHI"),
            ("waw03", "Cloudflare waw"),
            ("res710.qbre1", "Quad9 bre"),
            ("res100.ams.rrdns.pch.net", "Quad9 ams"),
        ] {
            let label = of_name_server(calls_itself).unwrap();
            assert_eq!((label.source.as_str(), label.label.as_str()), ("nsid", calls_itself));
            assert_eq!(read("nsid", calls_itself).as_deref(), Some(reading));
        }
        for calls_itself in ["ns1.ntc.net.pk", "\\000\\001", "khi-1", &"x".repeat(10_000)] {
            assert_eq!(of_name_server(calls_itself), None, "{calls_itself}");
        }
    }

    #[test]
    fn a_table_that_says_too_little_is_refused() {
        let refused =
            |row: &str| PopTable::parse(&format!("source,operator,elements,form,documented\n{row}\n")).is_err();
        assert!(!refused("x-pop,Somebody,last,*->@,a page"));
        for row in [
            "",
            "x-pop,Somebody,last,*->@,",
            "x-pop,Somebody,last,,a page",
            "x-pop,Somebody,none,@,a page",
            "x-pop,Somebody,first,@,a page",
            "x-pop,Somebody,last,pop-*,a page",
            "x-pop,Somebody,last,@%,a page",
            "x-pop,Somebody,last,*.*.*.@,a page",
        ] {
            assert!(refused(row), "{row}");
        }
    }
}
