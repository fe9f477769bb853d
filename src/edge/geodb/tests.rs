#![expect(clippy::disallowed_methods, reason = "writes the files that are read")]

use std::fs;

use super::fixture::{Value, map, mmdb, text};
use super::*;
use crate::config::geodb::{FeedPlace, GeofeedSource, RegionsFile, SourceFile};
use crate::location::source::regions::Cloud;
use crate::place::CountryCode;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn country(code: &str) -> Value {
    map([("country_code", text(code))])
}

/// A configuration of these files, written to a directory that lives as long as it does.
fn files(contents: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, GeodbConfig) {
    let directory = tempfile::tempdir().unwrap();
    let databases = contents.iter().map(|(name, bytes)| {
        let path = directory.path().join(format!("{name}.mmdb"));
        fs::write(&path, bytes).unwrap();
        SourceFile { name: (*name).to_owned(), path }
    });
    let config = GeodbConfig { databases: databases.collect(), ..GeodbConfig::default() };
    (directory, config)
}

fn announced(claims: &[Claim]) -> Vec<(&str, u32, NetworkKind)> {
    let of_networks = claims.iter().filter_map(|claim| {
        let Says::Announced { asn, kind, .. } = &claim.says else { return None };
        Some((claim.source.as_str(), asn.0, *kind))
    });
    of_networks.collect()
}

#[test]
fn the_embedded_databases_know_a_pakistani_network_and_the_country_of_its_addresses() {
    let claims = Geodb::embedded().claims(address("203.101.184.84"));
    assert_eq!(claims[0].source, "dbip-country");
    assert_eq!(claims[0].says, Says::Country("PK".parse().unwrap()));
    assert_eq!(claims[0].dated, Some("2026-06-01".parse().unwrap()));
    let Says::Announced { asn, country, kind, .. } = &claims[1].says else { panic!("{claims:?}") };
    assert_eq!((*asn, *country, *kind), (Asn(9541), "PK".parse().ok(), NetworkKind::Ordinary));
    assert_eq!(claims[1].dated, Some("2026-06-17".parse().unwrap()));
    assert_eq!(claims.len(), 2);
}

#[test]
fn shared_networks_and_clouds_are_known_as_such_in_both_families() {
    let geodb = Geodb::embedded();
    for (asked, asn, kind) in [
        ("104.16.0.1", 13335, NetworkKind::Edge),
        ("2606:4700::1", 13335, NetworkKind::Edge),
        ("2.19.193.169", 20940, NetworkKind::Edge),
        ("45.60.73.176", 19551, NetworkKind::Edge),
        ("192.124.249.134", 30148, NetworkKind::Edge),
        ("13.248.169.48", 16509, NetworkKind::Cloud),
        ("52.156.198.57", 8075, NetworkKind::Cloud),
        ("2400:adc0::1", 9541, NetworkKind::Ordinary),
    ] {
        assert_eq!(announced(&geodb.claims(address(asked))), [("routed-asn", asn, kind)], "{asked}");
    }
}

#[test]
fn of_an_address_that_is_not_globally_reachable_only_the_register_speaks() {
    let assets = [Asset {
        prefix: "10.0.0.0/8".parse().unwrap(),
        country: "PK".parse().unwrap(),
        source: "list".to_owned(),
        dated: "2026-03-01".parse().unwrap(),
    }];
    let (_directory, config) = files(&[]);
    let geodb = Geodb::open(&config, &assets).unwrap();
    for asked in ["100.64.0.1", "127.0.0.1", "192.0.2.1", "::1", "fe80::1", "::ffff:192.168.0.1", "::"] {
        assert!(geodb.claims(address(asked)).is_empty(), "{asked}");
    }
    for asked in ["10.10.34.36", "::ffff:10.0.0.1"] {
        let claims = geodb.claims(address(asked));
        assert_eq!((claims.len(), claims[0].source.as_str()), (1, "asset-register (list)"), "{asked}");
    }
}

#[test]
fn every_database_of_countries_says_something_and_the_operators_come_first() {
    let one = mmdb(&[("203.101.0.0/16", country("AE"))], 1_780_000_000);
    let other = mmdb(&[("8.0.0.0/8", country("US"))], 1_790_000_000);
    let (_directory, config) = files(&[("one", one), ("other", other)]);
    let assets = [Asset {
        prefix: "203.101.184.0/24".parse().unwrap(),
        country: "PK".parse().unwrap(),
        source: "list".to_owned(),
        dated: "2026-03-01".parse().unwrap(),
    }];
    let claims = Geodb::open(&config, &assets).unwrap().claims(address("203.101.184.84"));
    let sources: Vec<&str> = claims.iter().map(|claim| claim.source.as_str()).collect();
    assert_eq!(sources, ["one", "other", "dbip-country", "routed-asn", "asset-register (list)"]);
    assert_eq!(claims[0].says, Says::Country("AE".parse().unwrap()));
    assert_eq!(claims[0].dated, Some("2026-05-28".parse().unwrap()));
    assert_eq!(claims[1].says, Says::NoEntry);
}

#[test]
fn a_database_of_networks_is_asked_before_the_embedded_table_which_still_tells_the_kind() {
    let (edge, home) = (("ipinfo", 13335, NetworkKind::Edge), ("routed-asn", 9541, NetworkKind::Ordinary));
    let record = map([("asn", text("AS13335")), ("as_name", text("Another name"))]);
    let (_directory, mut config) = files(&[("ipinfo", mmdb(&[("203.101.0.0/16", record)], 1_780_000_000))]);
    config.embedded = false;
    let geodb = Geodb::open(&config, &[]).unwrap();
    let claims = geodb.claims(address("203.101.184.84"));
    assert_eq!(claims.len(), 2, "a database of networks names no country: {claims:?}");
    assert_eq!(announced(&claims), [edge, home]);
    assert_eq!(announced(&geodb.claims(address("104.16.0.1"))), [("routed-asn", 13335, NetworkKind::Edge)]);
}

#[test]
fn a_stale_database_of_networks_does_not_hide_a_shared_network() {
    let record = |asn, name| map([("asn", text(asn)), ("as_name", text(name))]);
    let stale = mmdb(&[("104.16.0.0/12", record("AS9541", "A lease that ended"))], 1_700_000_000);
    let agrees = mmdb(&[("104.16.0.0/12", record("AS13335", "Cloudflare"))], 1_780_000_000);
    let (_directory, config) = files(&[("stale", stale), ("agrees", agrees)]);
    let claims = Geodb::open(&config, &[]).unwrap().claims(address("104.16.0.1"));
    let expected = [("stale", 9541, NetworkKind::Ordinary), ("agrees", 13335, NetworkKind::Edge)];
    assert_eq!(announced(&claims), expected, "and what is named twice is one hint");
}

#[test]
fn digests_name_every_database_that_was_asked() {
    let bytes = mmdb(&[("203.101.0.0/16", country("PK"))], 1_780_000_000);
    let sha256 = crate::digest::Digest::of_bytes(&bytes);
    let (_directory, config) = files(&[("mine", bytes)]);
    let digests = Geodb::open(&config, &[]).unwrap().digests();
    let names: Vec<&str> = digests.iter().map(|digest| digest.name.as_str()).collect();
    assert_eq!(names, ["mine", "dbip-country", "routed-asn", "rdns", "pops", "airports", "operators"]);
    assert_eq!(digests[0].sha256, sha256);
    assert_eq!(digests[0].built.to_string(), "2026-05-28T20:26:40Z");
    let manifest = include_str!("../../../geodb/MANIFEST.sha256");
    assert!(digests[1..].iter().all(|digest| manifest.contains(&digest.sha256.to_string())));
}

#[test]
fn an_error_names_the_file_what_is_wrong_and_the_cure() {
    let whole = mmdb(&[("203.101.0.0/16", country("PK"))], 1_780_000_000);
    let (_directory, config) = files(&[("good", whole.clone()), ("cut", whole[..whole.len() / 2].to_vec())]);
    let message = Geodb::open(&config, &[]).unwrap_err().to_string();
    assert!(message.starts_with("read the database cut from "), "{message}");
    assert!(message.contains("cut.mmdb: it is not a whole MMDB file"), "{message}");
    assert!(message.ends_with("fetch it again, or take it out of the configuration"), "{message}");

    let (directory, mut config) = files(&[("gone", whole)]);
    fs::remove_file(directory.path().join("gone.mmdb")).unwrap();
    let message = Geodb::open(&config, &[]).unwrap_err().to_string();
    assert!(message.contains("gone.mmdb: No such file"), "{message}");
    config.databases[0].path = directory.path().to_owned();
    assert!(matches!(Geodb::open(&config, &[]), Err(GeodbError::Unsuitable { .. })));
}

#[test]
fn borders_may_be_the_operators() {
    let (directory, mut config) = files(&[]);
    let path = directory.path().join("borders.gz");
    fs::write(&path, include_bytes!("../../../geodb/borders.gz")).unwrap();
    config.outlines = Some(path.clone());
    let geodb = Geodb::open(&config, &[]).unwrap();
    assert_eq!(geodb.outlines().id(), Geodb::embedded().outlines().id());
    assert_eq!(geodb.sources().last().unwrap().origin, Origin::File(path.clone()));
    fs::write(&path, b"nonsense").unwrap();
    assert!(matches!(Geodb::open(&config, &[]), Err(GeodbError::Borders { .. })));
}

#[test]
fn a_network_of_one_country_is_told_from_one_of_many() {
    let table = embedded::announcements();
    let of = |asn| table.network(Asn(asn)).and_then(|network| network.country);
    for pakistani in [9541, 17557, 23674, 45773, 23888, 59257, 38264] {
        assert_eq!(of(pakistani), "PK".parse().ok(), "AS{pakistani}");
    }
    assert_eq!(of(16509), None);
}

#[test]
fn of_a_network_of_many_countries_those_with_a_hundredth_of_it_are_told() {
    let told = |asked| {
        let claims = Geodb::embedded().claims(address(asked));
        let mut announced = claims.into_iter().filter_map(|claim| {
            let Says::Announced { asn, country, countries, .. } = claim.says else { return None };
            Some((asn.0, country, countries.to_string()))
        });
        announced.next().unwrap()
    };
    assert_eq!(told("65.109.77.254"), (24940, None, "DE, FI, GB, IR".to_owned()));
    let (ovh, country, countries) = told("54.39.132.143");
    assert_eq!((ovh, country), (16276, None));
    assert!(countries.contains("CA, DE") && !countries.contains("PK"), "{countries}");
    assert_eq!(told("203.101.184.84"), (9541, "PK".parse().ok(), String::new()), "nearly all of one country");
    assert_eq!(told("13.248.169.48"), (16509, None, String::new()), "a cloud's place nothing");
}

#[test]
fn networks_that_hold_some_of_home_among_others_say_so() {
    let table = embedded::announcements();
    let countries = |asn| table.network(Asn(asn)).map(|network| network.countries).unwrap();
    for partly_pakistani in [38547, 38808, 58626] {
        assert!(countries(partly_pakistani).contains(CountryCode::PAKISTAN), "AS{partly_pakistani}");
    }
    for global in [24940, 16276, 31898, 47583, 26496] {
        assert!(!countries(global).is_empty() && !countries(global).contains(CountryCode::PAKISTAN), "AS{global}");
    }
}

/// A configuration of one geofeed, one file of a cloud, one anycast list and one registry.
fn published() -> (tempfile::TempDir, GeodbConfig) {
    let (directory, mut config) = files(&[]);
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let feed = write("feed.csv", "203.101.160.0/19,PK,PK-PB,Lahore,\n203.101.184.7/24,AE\nnonsense\n");
    let cloud = r#"{"createDate": "2026-11-20-19-03-13", "prefixes": [
        {"ip_prefix": "3.28.0.0/15", "region": "me-central-1", "service": "EC2", "network_border_group": "me-central-1"},
        {"ip_prefix": "13.224.0.0/14", "region": "GLOBAL", "service": "CLOUDFRONT", "network_border_group": "GLOBAL"}]}"#;
    let statistics =
        "2|apnic|20261120|1|19830613|20261119|+1000\napnic|PK|ipv4|203.101.160.0|8192|20010101|allocated\n";
    let asns = vec![Asn(9541)];
    config.geofeeds = vec![GeofeedSource { name: "feed".to_owned(), place: FeedPlace::Path(feed), asns }];
    let path = write("ip-ranges.json", cloud);
    config.regions = vec![RegionsFile { name: "aws-ip-ranges".to_owned(), cloud: Cloud::Aws, path }];
    config.anycast = vec![SourceFile { name: "census".to_owned(), path: write("census.txt", "1.1.1.0/24\n") }];
    config.registries = vec![SourceFile { name: "apnic".to_owned(), path: write("apnic.txt", statistics) }];
    (directory, config)
}

fn said_by(geodb: &Geodb, asked: &str, source: &str) -> Option<Says> {
    geodb.claims(address(asked)).into_iter().find(|claim| claim.source == source).map(|claim| claim.says)
}

#[test]
fn what_others_publish_is_claimed_with_its_source_and_its_day() {
    let (_directory, config) = published();
    let geodb = Geodb::open(&config, &[]).unwrap();
    assert_eq!(
        said_by(&geodb, "203.101.184.84", "feed"),
        Some(Says::Geofeed {
            prefix: "203.101.184.0/24".parse().unwrap(),
            country: "AE".parse().unwrap(),
            publisher: vec![Asn(9541)]
        })
    );
    let (provider, region) = (Cloud::Aws, "me-central-1".to_owned());
    let in_region = Says::Region { provider, region, country: "AE".parse().unwrap() };
    assert_eq!(said_by(&geodb, "3.28.1.1", "aws-ip-ranges"), Some(in_region));
    let service = "CLOUDFRONT".to_owned();
    assert_eq!(said_by(&geodb, "13.224.1.1", "aws-ip-ranges"), Some(Says::Edge { provider, service }));
    let prefix = "1.1.1.0/24".parse().unwrap();
    assert_eq!(said_by(&geodb, "1.1.1.1", "census"), Some(Says::Anycast { prefix }));
    let registered = geodb.claims(address("203.101.184.84")).into_iter().find(|claim| claim.source == "apnic").unwrap();
    assert_eq!(registered.dated, "2026-11-19".parse().ok());
    assert_eq!(registered.says, Says::Delegated { registry: "apnic".to_owned(), country: "PK".parse().unwrap() });
    assert_eq!(said_by(&geodb, "8.8.8.8", "feed"), None);

    let digests: Vec<_> = geodb.digests().into_iter().map(|digest| digest.name).collect();
    let asked = ["dbip-country", "routed-asn", "feed", "aws-ip-ranges", "census", "apnic", "rdns"];
    assert_eq!(digests, [&asked[..], &["pops", "airports", "operators"]].concat());
    let sources = geodb.sources();
    let feed = sources.iter().find(|source| source.name == "feed").unwrap();
    assert_eq!((feed.holds, feed.entries), ("geofeed", 2));
    assert_eq!(
        feed.notes,
        [
            "counts for what AS9541 announces",
            "1 left out: no prefix (the first is line 3)",
            "1 masked: host bits were set (the first is line 2)"
        ]
    );
}

#[test]
fn a_file_of_which_nothing_can_be_used_is_refused_with_its_name() {
    let (directory, config) = published();
    for (file, message) in [
        ("feed.csv", "read feed from "),
        ("ip-ranges.json", "read aws-ip-ranges from "),
        ("census.txt", "read census from "),
        ("apnic.txt", "read apnic from "),
    ] {
        let path = directory.path().join(file);
        let good = fs::read(&path).unwrap();
        fs::write(&path, b"<html>\n").unwrap();
        let error = Geodb::open(&config, &[]).unwrap_err().to_string();
        assert!(error.starts_with(message) && error.contains(file), "{error}");
        fs::remove_file(&path).unwrap();
        assert!(matches!(Geodb::open(&config, &[]), Err(GeodbError::Unreadable { .. })), "{file}");
        fs::write(&path, good).unwrap();
    }
}

/// Answers one request on loopback after the other with `bodies`, and then no more.
fn web_server(bodies: Vec<&'static str>) -> (std::thread::JoinHandle<()>, url::Url) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/geofeed.csv", listener.local_addr().unwrap()).parse().unwrap();
    let server = std::thread::spawn(move || {
        for body in bodies {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 1024];
            assert!(stream.read(&mut asked).unwrap() > 0);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    (server, url)
}

#[test]
fn a_feed_behind_a_url_is_fetched_once_a_day_and_its_absence_is_no_error() {
    let (server, url) = web_server(vec!["203.101.160.0/19,PK\n"]);
    let (_directory, mut config) = files(&[]);
    let place = FeedPlace::Url(url);
    config.geofeeds = vec![GeofeedSource { name: "feed".to_owned(), place, asns: vec![Asn(9541)] }];
    let without = Geodb::open(&config, &[]).unwrap();
    assert_eq!(said_by(&without, "203.101.184.84", "feed"), None, "nobody was asked");

    let fetched = Geodb::open_and_fetch(&config, &[], None).unwrap();
    server.join().unwrap();
    assert!(said_by(&fetched, "203.101.184.84", "feed").is_some());
    assert!(fetched.troubles().is_empty());
    let now = crate::edge::clock::now().wall;
    assert!(!fetched.feeds_are_due(now));
    assert!(fetched.feeds_are_due(now + jiff::SignedDuration::from_hours(25)));

    let again = Geodb::open_and_fetch(&config, &[], Some(&fetched)).unwrap();
    assert!(said_by(&again, "203.101.184.84", "feed").is_some(), "it is young, and the server is gone");
    assert!(again.troubles().is_empty());
    let first = Geodb::open_and_fetch(&config, &[], None).unwrap();
    let [trouble] = &first.troubles()[..] else { panic!("{:?}", first.troubles()) };
    assert!(trouble.starts_with("feed: could not be fetched ("), "{trouble}");
    assert!(trouble.ends_with("it says nothing until it can be"), "{trouble}");
}

#[test]
fn without_any_database_nothing_that_is_derived_from_one_is_said() {
    let (_directory, mut config) = files(&[]);
    config.embedded = false;
    let claims = Geodb::open(&config, &[]).unwrap().claims(address("203.101.184.84"));
    let [Claim { says: Says::Announced { country, kind, .. }, .. }] = &claims[..] else { panic!("{claims:?}") };
    assert_eq!((*country, *kind), (None, NetworkKind::Ordinary));
    let claims = Geodb::open(&config, &[]).unwrap().claims(address("65.109.77.254"));
    let [Claim { says: Says::Announced { countries, .. }, .. }] = &claims[..] else { panic!("{claims:?}") };
    assert!(countries.is_empty(), "{countries}");
}

#[test]
fn a_name_says_where_its_operator_puts_the_address() {
    let geodb = Geodb::embedded();
    let claim = geodb.named(address("202.125.155.68"), "rwp44.pie.net.pk").unwrap();
    assert_eq!((claim.source.as_str(), claim.about), ("rdns", address("202.125.155.68")));
    let Says::Named { code, place, country, operator, .. } = &claim.says else { panic!("{claim:?}") };
    assert_eq!((code.as_str(), place.as_str(), country.as_str()), ("rwp", "Rawalpindi", "PK"));
    let written = serde_json::to_string(&claim).unwrap();
    assert_eq!(serde_json::from_str::<Claim>(&written).unwrap(), claim);
    let claims = geodb.claims(address("202.125.155.68"));
    assert!(announced(&claims).iter().any(|(_, asn, _)| operator.contains(&Asn(*asn))), "{claims:?}");
    assert_eq!(geodb.named(address("202.125.155.68"), "www.example.gov.pk"), None);
}

#[test]
fn every_network_in_the_table_of_names_is_known_by_the_name_of_its_operator() {
    let table = embedded::announcements();
    for (asn, name) in [
        (17557, "Pakistan Telecom"),
        (45595, "Pakistan Telecom"),
        (6762, "SPARKLE"),
        (1299, "Arelion"),
        (2914, "NTT"),
        (174, "Cogent"),
        (6939, "Hurricane"),
        (3257, "GTT"),
        (3356, "Level 3"),
        (3549, "Level 3"),
        (6453, "TATA"),
        (9002, "RETN"),
        (3491, "PCCW"),
    ] {
        let known = table.network(Asn(asn)).unwrap().name;
        assert!(known.to_lowercase().contains(&name.to_lowercase()), "AS{asn} is {known}");
    }
}

#[test]
fn the_table_of_names_can_be_the_operators_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rdns.csv");
    let rows = "suffix,form,networks,code,place,country,source\n\
                example.net.pk,@9,64500,,,,our own\nexample.net.pk,,,qta,Quetta,PK,our own\n";
    fs::write(&path, rows).unwrap();
    let config = GeodbConfig { rdns: Some(path.clone()), ..GeodbConfig::default() };
    let geodb = Geodb::open(&config, &[]).unwrap();
    let says = geodb.named(address("203.101.184.84"), "qta3.example.net.pk").unwrap().says;
    assert!(matches!(says, Says::Named { place, .. } if place == "Quetta"));
    assert_eq!(
        geodb.named(address("203.101.184.84"), "khi77.pie.net.pk"),
        None,
        "it stands in place of the embedded one"
    );
    let source = geodb.sources().into_iter().find(|source| source.name == "rdns").unwrap();
    assert_eq!((source.entries, source.origin), (1, Origin::File(path.clone())));
    fs::write(&path, "suffix,form,networks,code,place,country,source\nexample.net.pk,.*,64500,,,,x\n").unwrap();
    let error = Geodb::open(&config, &[]).unwrap_err().to_string();
    assert!(error.contains("rdns.csv: line 2: no form: write labels such as"), "{error}");
}
