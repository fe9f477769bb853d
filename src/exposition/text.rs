//! Metric families as text, in the Prometheus text format 0.0.4.
//!
//! One writer for everything that is exposed, so that escaping and order are right in one place: families by name,
//! series by labels, no timestamps.

use std::borrow::Cow;
use std::fmt::Write as _;

/// How a family's values behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Only ever grows, until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
}

impl Kind {
    /// The word after `# TYPE` and the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// One series and its value now.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Label names and values, in the order they are written. Values may hold anything; names are ours.
    pub labels: Vec<(Cow<'static, str>, String)>,
    /// The value.
    pub value: f64,
}

/// All series of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Its name: lower case, with the unit at the end.
    pub name: Cow<'static, str>,
    /// What it says, in one sentence.
    pub help: Cow<'static, str>,
    /// How its values behave.
    pub kind: Kind,
    /// Its series; a family without any is not written.
    pub samples: Vec<Sample>,
}

impl Family {
    /// A family without series.
    pub fn new(name: &'static str, help: &'static str, kind: Kind) -> Self {
        Self { name: Cow::Borrowed(name), help: Cow::Borrowed(help), kind, samples: Vec::new() }
    }

    /// Adds a series.
    pub fn push<const N: usize>(&mut self, labels: [(&'static str, &str); N], value: f64) {
        let labels = labels.map(|(name, text)| (Cow::Borrowed(name), text.to_owned()));
        self.samples.push(Sample { labels: labels.into(), value });
    }
}

/// The families as text, each once, in the order of their names.
pub fn encode(families: &[Family]) -> String {
    let mut families: Vec<&Family> = families.iter().filter(|family| !family.samples.is_empty()).collect();
    families.sort_by(|a, b| a.name.cmp(&b.name));
    let mut text = String::new();
    for family in families {
        encode_family(&mut text, family);
    }
    text
}

fn encode_family(text: &mut String, family: &Family) {
    let _ = write!(text, "# HELP {} ", family.name);
    escape(text, &family.help, false);
    let _ = writeln!(text, "\n# TYPE {} {}", family.name, family.kind.as_str());
    let mut samples: Vec<&Sample> = family.samples.iter().collect();
    samples.sort_by(|a, b| a.labels.cmp(&b.labels));
    for sample in samples {
        text.push_str(&family.name);
        encode_labels(text, &sample.labels);
        text.push(' ');
        encode_value(text, sample.value);
        text.push('\n');
    }
}

fn encode_labels(text: &mut String, labels: &[(Cow<'static, str>, String)]) {
    for (index, (name, value)) in labels.iter().enumerate() {
        let _ = write!(text, "{}{name}=\"", if index == 0 { '{' } else { ',' });
        escape(text, value, true);
        text.push('"');
    }
    if !labels.is_empty() {
        text.push('}');
    }
}

fn escape(text: &mut String, raw: &str, quoted: bool) {
    for character in raw.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if quoted => text.push_str("\\\""),
            other => text.push(other),
        }
    }
}

fn encode_value(text: &mut String, value: f64) {
    let _ = if value.is_nan() {
        write!(text, "NaN")
    } else if value.is_infinite() {
        write!(text, "{}Inf", if value > 0.0 { '+' } else { '-' })
    } else {
        write!(text, "{value}")
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauge(samples: &[(&str, f64)]) -> Family {
        let mut family = Family::new("pehra_x", "Something.", Kind::Gauge);
        for (label, value) in samples {
            family.push([("a", label)], *value);
        }
        family
    }

    #[test]
    fn hostile_label_values_stay_inside_their_quotes() {
        let text = encode(&[gauge(&[("\"} 1\nevil{a=\"\\", 1.0)])]);
        assert_eq!(text.lines().last(), Some(r#"pehra_x{a="\"} 1\nevil{a=\"\\"} 1"#));
        assert_eq!(text.lines().count(), 3);
    }

    #[test]
    fn help_stays_on_its_line() {
        let family = Family { help: Cow::Borrowed("a\\b\n\"c\""), ..gauge(&[("x", 1.0)]) };
        assert!(encode(&[family]).starts_with("# HELP pehra_x a\\\\b\\n\"c\"\n# TYPE"));
    }

    #[test]
    fn every_number_is_written_as_prometheus_reads_it() {
        let values = [0.0, 1.0, 0.000_25, 1e21, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let written: Vec<String> = values
            .iter()
            .map(|value| encode(&[gauge(&[("x", *value)])]).trim_end().rsplit(' ').next().unwrap().to_owned())
            .collect();
        assert_eq!(written, ["0", "1", "0.00025", "1000000000000000000000", "NaN", "+Inf", "-Inf"]);
    }

    #[test]
    fn the_order_does_not_depend_on_how_the_families_were_made() {
        let other = Family { name: Cow::Borrowed("pehra_a"), ..gauge(&[("x", 1.0)]) };
        let (one, two) = (gauge(&[("b", 1.0), ("a", 2.0)]), gauge(&[("a", 2.0), ("b", 1.0)]));
        assert_eq!(encode(&[one, other.clone()]), encode(&[other, two]));
    }

    #[test]
    fn a_family_without_series_is_not_written_and_labels_are_optional() {
        assert_eq!(encode(&[gauge(&[])]), "");
        let mut bare = Family::new("pehra_y_total", "Y.", Kind::Counter);
        bare.push([], 3.0);
        assert_eq!(encode(&[bare]), "# HELP pehra_y_total Y.\n# TYPE pehra_y_total counter\npehra_y_total 3\n");
    }
}
