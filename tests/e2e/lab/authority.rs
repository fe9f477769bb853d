//! Who issues certificates in a lab.

use super::Lab;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::PathBuf;

/// An authority whose certificate is in a file, and trusted where a story says so.
pub(crate) struct Authority<'a> {
    lab: &'a Lab,
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The file of its certificate (PEM).
    pub(crate) file: PathBuf,
}

/// A certificate and its key, each a file (PEM).
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl<'a> Authority<'a> {
    pub(crate) fn new(lab: &'a Lab, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let file = lab.write(&format!("{name}.pem"), &issuer.pem());
        Self { lab, issuer, file }
    }

    /// Issues a certificate for one DNS name.
    pub(crate) fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity {
            certificate: self.lab.write(&format!("{name}.crt"), &certificate.pem()),
            key: self.lab.write(&format!("{name}.key"), &key.serialize_pem()),
        }
    }
}
