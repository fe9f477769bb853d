//! One value of a document → a typed value, or what is wrong with it and what to do.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use jiff::civil::Date;
use jiff::tz::Offset;
use toml::de::DeValue;
use url::Url;

use crate::network;
use crate::network::Asn;
use crate::place::CountryCode;

use super::fault::{did_you_mean, quoted};
use super::section::Reading;

/// The longest duration that is accepted: 366 days, as a guard against slips.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A text that is not empty, without control characters.
pub(super) fn text(value: &DeValue<'_>) -> Reading<String> {
    let text = string(value)?;
    if text.trim().is_empty() {
        return Err("is empty: write something, or leave the key out".into());
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{} holds a control character: leave it out", quoted(text)));
    }
    Ok(text.to_owned())
}

/// A text that serves as a name in metrics and alerts: letters, digits, `-`, `_` and `.`, at most 64 of them.
pub(super) fn name(value: &DeValue<'_>) -> Reading<String> {
    name_from(string(value)?)
}

/// The same of a text that is already in hand.
pub(super) fn name_from(text: &str) -> Reading<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!("{} is not a name: write 1 to 64 letters, digits, - _ or . without spaces", quoted(text)))
    }
}

/// A text that parses as `T`; the error of `T` says what to write instead.
pub(super) fn parsed<T: FromStr<Err: Display>>(value: &DeValue<'_>) -> Reading<T> {
    string(value)?.parse().map_err(|error: T::Err| error.to_string())
}

/// One of a few words.
pub(super) fn word<T: Copy>(value: &DeValue<'_>, words: &[(&'static str, T)]) -> Reading<T> {
    word_from(string(value)?, words)
}

/// The same of a text that is already in hand.
pub(super) fn word_from<T: Copy>(text: &str, words: &[(&'static str, T)]) -> Reading<T> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| {
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let hint = did_you_mean(text, known.iter().copied());
        format!("{} is none of the words here{hint}: write {}", quoted(text), known.join(", "))
    })
}

/// `true` or `false`.
pub(super) fn flag(value: &DeValue<'_>) -> Reading<bool> {
    value.as_bool().ok_or_else(|| wrong_type(value, "true or false, without quotes"))
}

/// A whole number from `least` to `most`.
pub(super) fn whole<T: TryFrom<i64>>(least: i64, most: i64) -> impl Fn(&DeValue<'_>) -> Reading<T> {
    move |value| {
        let Some(integer) = value.as_integer() else {
            return Err(wrong_type(value, "a whole number, without quotes"));
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|n| (least..=most).contains(n)).and_then(|n| T::try_from(n).ok());
        number.ok_or_else(|| format!("{integer} is out of range: write a whole number from {least} to {most}"))
    }
}

/// A number from `least` to `most`; `what` names it and its unit.
pub(super) fn number(least: f64, most: f64, what: &'static str) -> impl Fn(&DeValue<'_>) -> Reading<f64> {
    move |value| {
        let number = any_number(value)?;
        if (least..=most).contains(&number) {
            Ok(number)
        } else {
            Err(format!("{number} is out of range: write {what}, {least} to {most}"))
        }
    }
}

/// Any number, whole or not.
fn any_number(value: &DeValue<'_>) -> Reading<f64> {
    let digits = match (value.as_integer(), value.as_float()) {
        (Some(integer), _) if integer.radix() == 10 => integer.as_str(),
        (_, Some(float)) => float.as_str(),
        _ => return Err(wrong_type(value, "a number, without quotes")),
    };
    digits.parse().map_err(|_| format!("{} is not a number: write digits and a point", quoted(digits)))
}

/// A duration with its unit, not longer than a year: `"250ms"`, `"30s"`, `"5m"`, `"1h30m"`, `"7d"`.
pub(super) fn duration(least: Duration) -> impl Fn(&DeValue<'_>) -> Reading<Duration> {
    move |value| {
        if value.as_integer().is_some() || value.as_float().is_some() {
            return Err("a bare number has no unit: write a duration such as \"30s\", \"5m\" or \"1h\"".into());
        }
        let text = string(value)?;
        let duration = parse_duration(text).ok_or_else(|| {
            format!("{} is not a duration: write \"250ms\", \"30s\", \"5m\", \"1h30m\" or \"7d\"", quoted(text))
        })?;
        if duration < least || duration > LONGEST {
            return Err(format!("{} is out of range: write {least:?} or more, 366d at most", quoted(text)));
        }
        Ok(duration)
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let count: u64 = count.parse().ok()?;
        let part = match unit {
            "ms" => Duration::from_millis(count),
            "s" => Duration::from_secs(count),
            "m" => Duration::from_secs(count.checked_mul(60)?),
            "h" => Duration::from_secs(count.checked_mul(60 * 60)?),
            "d" => Duration::from_secs(count.checked_mul(24 * 60 * 60)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = tail;
    }
    Some(total)
}

/// A size in bytes with its unit, from `least` to `most`: `"64MiB"`.
pub(super) fn size(least: u64, most: u64) -> impl Fn(&DeValue<'_>) -> Reading<u64> {
    move |value| {
        if value.as_integer().is_some() {
            return Err("a bare number has no unit: write a size such as \"64MiB\"".into());
        }
        let text = string(value)?;
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (count, unit) = text.split_at(digits);
        let shift = match unit {
            "KiB" => Some(10),
            "MiB" => Some(20),
            "GiB" => Some(30),
            _ => None,
        };
        let bytes = shift.zip(count.parse::<u64>().ok()).and_then(|(shift, n)| n.checked_mul(1 << shift));
        let bytes = bytes.filter(|bytes| (least..=most).contains(bytes));
        bytes.ok_or_else(|| {
            let (least, most) = (least >> 10, most >> 10);
            format!("{} is not a size here: write {least}KiB to {most}KiB, such as \"64MiB\"", quoted(text))
        })
    }
}

/// A calendar day, written as TOML's own date.
pub(super) fn date(value: &DeValue<'_>) -> Reading<Date> {
    let as_date = value.as_datetime().filter(|d| d.time.is_none() && d.offset.is_none()).and_then(|d| d.date);
    let Some(written) = as_date else {
        return Err(wrong_type(value, "a day such as 2027-06-30, without quotes and without a time"));
    };
    written.to_string().parse().map_err(|_| format!("{written} is not a day of the calendar: write year-month-day"))
}

/// The clock by which days are counted, as hours and minutes ahead of UTC: `"+05:00"`, at most 14 hours either way.
pub(super) fn utc_offset(value: &DeValue<'_>) -> Reading<Offset> {
    let written = text(value)?;
    let refused = || format!("{} is no offset from UTC: write hours and minutes, such as \"+05:00\"", quoted(&written));
    let (sign, rest) = written.split_at_checked(1).ok_or_else(refused)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return Err(refused()),
    };
    let (hours, minutes) = rest.split_once(':').filter(|_| rest.len() == 5).ok_or_else(refused)?;
    let part = |digits: &str, most: i32| digits.parse::<u8>().ok().map(i32::from).filter(|part| *part <= most);
    let (hours, minutes) = part(hours, 14).zip(part(minutes, 59)).ok_or_else(refused)?;
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).map_err(|_| refused())
}

/// A country that there is.
pub(super) fn country(value: &DeValue<'_>) -> Reading<CountryCode> {
    let code = parsed::<CountryCode>(value)?;
    if code.is_assigned() {
        Ok(code)
    } else {
        Err(format!("{code} is no country: write two letters of ISO 3166-1, such as PK"))
    }
}

/// An autonomous system number, bare or as `"AS23888"`.
pub(super) fn asn(value: &DeValue<'_>) -> Reading<Asn> {
    let asn = if value.as_str().is_some() { parsed::<Asn>(value)? } else { Asn(whole(1, u32::MAX.into())(value)?) };
    if asn.0 == 0 { Err("AS0 is no network: write the number of a network".into()) } else { Ok(asn) }
}

/// A prefix whose host bits are zero.
pub(super) fn prefix(value: &DeValue<'_>) -> Reading<IpNet> {
    network::prefix(string(value)?).map_err(|error| error.to_string())
}

/// A URL of the web without credentials in it.
pub(super) fn web_url(value: &DeValue<'_>) -> Reading<Url> {
    web_url_from(string(value)?)
}

/// The same of a text that is already in hand.
pub(super) fn web_url_from(text: &str) -> Reading<Url> {
    let url =
        Url::parse(text).map_err(|error| format!("{} is not a URL ({error}): write https://host/…", quoted(text)));
    let url = url?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(format!("{} is not a URL of the web: write https://host/…", quoted(text)));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let host = url.host_str().unwrap_or_default();
        return Err(format!(
            "the URL of {host} holds a user name or password: leave it out, this file is no place for one"
        ));
    }
    Ok(url)
}

fn string<'v>(value: &'v DeValue<'_>) -> Reading<&'v str> {
    value.as_str().ok_or_else(|| wrong_type(value, "a text in quotes"))
}

fn wrong_type(value: &DeValue<'_>, wanted: &str) -> String {
    format!("is {} here: write {wanted}", article(value.type_str()))
}

fn article(noun: &str) -> String {
    if noun.starts_with(['a', 'i']) { format!("an {noun}") } else { format!("a {noun}") }
}
