//! The smallest database in MaxMind's format: one node, and all addresses of the world are in one country.

/// Such a database, as the bytes of its file.
pub(crate) fn everywhere(country: [u8; 2]) -> Vec<u8> {
    let record = [0, 0, 1 + 16]; // beyond the one node and the separator begins the data
    let tree = [record, record].concat();
    let data = map(&[("country", map(&[("iso_code", text(&country))]))]);
    let metadata = map(&[
        ("node_count", vec![0xc1, 1]),
        ("record_size", vec![0xa1, 24]),
        ("ip_version", vec![0xa1, 6]),
        ("database_type", text(b"Lab-Country")),
        ("languages", vec![0x00, 0x04]),
        ("binary_format_major_version", vec![0xa1, 2]),
        ("binary_format_minor_version", vec![0xa0]),
        ("build_epoch", [&[0x04, 0x02], &1_767_225_600_u32.to_be_bytes()[..]].concat()),
        ("description", map(&[])),
    ]);
    [&tree[..], &[0; 16], &data, b"\xab\xcd\xefMaxMind.com", &metadata].concat()
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0xe0 | u8::try_from(entries.len()).expect("a small map")];
    for (key, value) in entries {
        bytes.extend(text(key.as_bytes()));
        bytes.extend(value);
    }
    bytes
}

fn text(text: &[u8]) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("a short text");
    assert!(length < 29, "longer texts are written otherwise");
    [&[0x40 | length], text].concat()
}
