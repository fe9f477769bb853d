use std::path::Path;
use std::time::Duration;

use super::*;
use crate::network::Asn;
use crate::provider::ProviderId;

/// The example of the product's own description.
const EXAMPLE: &str = r#"
home = "PK"                     # policy = "cloud-first-policy.toml", built in by default
[vantage]                       # where this host stands; without coordinates no proof is possible, and it says so
id = "ntc-isb-1"
latitude = 33.7215
longitude = 73.0433
uncertainty_km = 5
asn = 23888

[[provider]]
id = "ntc"
name = "National Telecommunication Corporation"
status = "accredited"           # applied | registered | accredited | suspended | revoked
valid_until = 2027-06-30
asns = [23888]

[[workload]]
id = "land-records"
entity = "Punjab Land Records Authority"
jurisdiction = "punjab"         # federal | punjab | sindh | khyber-pakhtunkhwa | balochistan | ...: alert routing
class = "restricted"
provider = "ntc"
endpoints = ["https://portal.example.gov.pk", "tcp://db.example.gov.pk:5432"]

[[noc]]
workload = "land-records"
rules = ["edge-opaque"]
reference = "CO/NOC/2026/014"
until = 2026-12-31
"#;

fn read(bytes: &[u8]) -> Result<(Config, Vec<Fault>), ConfigErrors> {
    let written = Written { name: "pehra.toml".into(), bytes: bytes.to_vec() };
    Draft::open(&written, Path::new("/etc/pehra")).finish()
}

#[test]
fn the_example_of_the_description_parses_as_it_stands() {
    let (config, _) = read(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(config.home().to_string(), "PK");
    assert_eq!(config.vantage.asn, Some(Asn(23888)));
    let position = config.vantage.position.unwrap();
    assert!((position.coordinates.latitude() - 33.7215).abs() < 1e-9);
    assert!((position.uncertainty.km() - 5.0).abs() < 1e-9);
    let ntc = &config.policy.providers[&ProviderId("ntc".into())];
    assert_eq!(ntc.valid_until, Some("2027-06-30".parse().unwrap()));
    let [workload] = config.workloads.as_slice() else { panic!("one workload") };
    assert_eq!(workload.class.as_ref().unwrap().0, "restricted");
    assert_eq!(workload.endpoints.len(), 2);
    let [noc] = config.policy.nocs.as_slice() else { panic!("one certificate") };
    assert_eq!(
        (noc.rules.as_slice(), noc.until.to_string().as_str()),
        (["edge-opaque".to_owned()].as_slice(), "2026-12-31")
    );
}

#[test]
fn views_are_read_with_their_ports_names_and_files() {
    use resolver::{Authentication, ResolverAddress, Transport};
    let text = "[vantage]\nid = \"here\"\n[resolution]\nauthoritative = true\nhints = \"named.root\"\n\
        [[resolver]]\nname = \"dot\"\naddress = \"203.0.113.53\"\ntransport = \"tls\"\nca_file = \"ca.pem\"\n\
        [[resolver]]\nname = \"doh\"\naddress = \"2001:db8::53\"\ntransport = \"https\"\n\
        server_name = \"dns.example.net\"\nclient_subnet = \"198.51.100.0/24\"\ntimeout = \"2s\"\n";
    let config = read(text.as_bytes()).unwrap().0;
    let views: Vec<_> = config.resolvers.iter().map(|resolver| resolver.view.to_string()).collect();
    assert_eq!(views, ["system", "dot", "doh", "authoritative"]);
    let files: Vec<_> = config.resolvers.iter().filter_map(ResolverConfig::file).collect();
    assert_eq!(files, [Path::new("/etc/pehra/ca.pem"), Path::new("/etc/pehra/named.root")]);
    assert!(files.iter().all(|file| config.files().iter().any(|of_all| of_all == file)));
    let ResolverAddress::Server { address, transport } = &config.resolvers[1].server else { panic!("a server") };
    let Transport::Tls(Authentication { server_name: None, ca_file: Some(ca_file), .. }) = transport else {
        panic!("{transport:?}")
    };
    assert_eq!((address.port(), ca_file.spot.line, ca_file.spot.key.as_str()), (853, 10, "resolver.ca_file"));
    let ResolverAddress::Server { address, transport } = &config.resolvers[2].server else { panic!("a server") };
    let Transport::Https { authentication, path } = transport else { panic!("{transport:?}") };
    assert_eq!((address.port(), path.as_str()), (443, "/dns-query"));
    assert_eq!(authentication.server_name.as_ref().unwrap().as_str(), "dns.example.net");
    assert_eq!(config.resolvers[2].timeout, Duration::from_secs(2));
    assert_eq!(config.resolvers[2].subnet, Some("198.51.100.0/24".parse().unwrap()));
}

#[test]
fn hints_that_nobody_uses_are_warned_of() {
    let text = "[vantage]\nid = \"here\"\n[resolution]\nhints = \"named.root\"\n";
    let (config, warnings) = read(text.as_bytes()).unwrap();
    assert_eq!(config.resolvers.len(), 1);
    assert!(warnings.iter().any(|warning| (warning.spot.line, warning.spot.key.as_str()) == (4, "resolution.hints")));
}

#[test]
fn one_slip_that_makes_a_file_no_toml_gives_few_errors() {
    for (at, character) in EXAMPLE.char_indices().step_by(7) {
        for slip in ["", "[", "]", "=", "\"", "\n", "\"\"\""] {
            let after = EXAMPLE.get(at + character.len_utf8()..).unwrap();
            let slipped = format!("{}{slip}{after}", EXAMPLE.get(..at).unwrap());
            let Err(ConfigErrors(errors)) = read(slipped.as_bytes()) else { continue };
            if errors.iter().any(|error| error.message.starts_with("not TOML")) {
                assert!(errors.len() <= 3, "{slip:?} for {character:?} at {at}: {errors:#?}");
            }
        }
    }
}

#[test]
fn a_vantage_id_alone_is_a_whole_configuration_and_says_what_it_cannot_do() {
    let (config, warnings) = read(b"[vantage]\nid = \"here\"\n").unwrap();
    assert_eq!(config.schedule.interval, Duration::from_secs(300));
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:19924");
    assert!(warnings.iter().any(|w| w.message.contains("without latitude and longitude")), "{warnings:?}");
}

#[test]
fn an_asset_as_broad_as_a_continent_is_refused_where_it_is_written() {
    let with = |prefix: &str| {
        let asset = format!("[[asset]]\nprefix = \"{prefix}\"\ncountry = \"PK\"\nsource = \"s\"\ndated = 2026-01-01\n");
        read(format!("[vantage]\nid = \"here\"\n{asset}").as_bytes()).map(|(config, _)| config.assets.len())
    };
    for prefix in ["0.0.0.0/0", "::/0", "202.0.0.0/7", "2400::/15", "::ffff:0.0.0.0/96"] {
        let error = with(prefix).unwrap_err().to_string();
        assert!(error.starts_with("pehra.toml:4: asset.prefix: ") && error.contains("one place: write"), "{error}");
    }
    assert_eq!(["203.0.0.0/8", "2400::/16"].map(|prefix| with(prefix).unwrap()), [1, 1]);
}

#[test]
fn the_databases_that_are_asked_can_be_chosen_and_none_of_them_leaves_physics_alone() {
    let with = |databases: &str| {
        let text = format!(
            "[vantage]\nid = \"here\"\n[geodb]\n{databases}\n[[geodb.database]]\nname = \"geolite2\"\npath = \"g.mmdb\"\n\
             [[geodb.registry]]\nname = \"apnic\"\npath = \"delegated\"\n"
        );
        let (config, warnings) = read(text.as_bytes()).unwrap();
        (config.geodb.names(), warnings.iter().any(|warning| warning.message.starts_with("no database at all")))
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(with(""), (names(&["geolite2", "dbip-country", "apnic"]), false));
    assert_eq!(with("databases = [\"dbip-country\"]"), (names(&["dbip-country", "apnic"]), false));
    assert_eq!(with("databases = [\"geolite2\"]"), (names(&["geolite2", "apnic"]), false));
    assert_eq!(with("databases = []"), (names(&["apnic"]), true));
}

#[test]
fn an_endpoint_that_is_denied_is_warned_of() {
    let endpoints = "endpoints = [\"https://portal.example.gov.pk\", \"tcp://db.example.gov.pk:5432\"]";
    let denied = "endpoints = [\"https://203.101.184.84\", \"https://224.0.0.1\", \"https://203.101.185.1\"]";
    let text = format!("{}\n[probing]\ndeny = [\"203.101.184.0/24\"]\n", EXAMPLE.replace(endpoints, denied));
    let (config, warnings) = read(text.as_bytes()).unwrap();
    assert_eq!(config.workloads[0].endpoints.len(), 3);
    let told: Vec<_> = warnings.iter().filter(|warning| warning.message.contains("is denied")).collect();
    assert_eq!(told.len(), 2, "{warnings:?}");
    let why = "203.101.184.84 is never sent anything, as 203.101.184.0/24 is denied: it will never be compliant";
    assert!(told.iter().any(|warning| warning.message.starts_with(why)), "{told:?}");
}

#[test]
fn what_is_denied_although_it_seems_to_be_wanted_is_warned_of_with_its_line() {
    let text = "[vantage]\nid = \"here\"\n[probing]\nallow = [\"10.20.0.0/16\", \"10.30.0.0/16\"]\n\
                deny = [\"10.0.0.0/12\", \"10.20.0.0/15\",\n \"203.0.113.0/24\", \"185.1.8.0/24\", \"::/0\"]\n\
                [[resolver]]\nname = \"ptcl\"\naddress = \"203.0.113.53\"\n\
                [[resolver]]\nname = \"ntc\"\naddress = \"203.101.184.53\"\n\
                [[landmark]]\naddress = \"185.1.8.1\"\nname = \"ix\"\nsource = \"its page\"\ncountry = \"PK\"\n";
    let (_, warnings) = read(text.as_bytes()).unwrap();
    let told: Vec<_> = warnings.iter().map(ToString::to_string).filter(|told| told.contains("denied")).collect();
    let expected = [
        "pehra.toml:4: probing.allow: 10.20.0.0/16 is never sent anything all the same, as 10.20.0.0/15 is denied: ",
        "pehra.toml:9: resolver.address: 203.0.113.53 is asked for names although 203.0.113.0/24 is denied: ",
        "pehra.toml:14: landmark.address: 185.1.8.1 is never sent anything, as 185.1.8.0/24 is denied: ",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
    let everybody = "pehra.toml:6: probing.deny: ::/0 is everybody, so that nothing is measured by IPv6: ";
    assert!(warnings.iter().any(|warning| warning.to_string().starts_with(everybody)), "{warnings:?}");
}
