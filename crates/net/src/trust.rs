//! Whom we believe: the system's certificate authorities, and one that the person named.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::Error;

/// TLS 1.2 and 1.3 with full verification (IVS user guide, "Stream Ingest: Codecs and Ingest Protocols": 1.2 or
/// later). The authorities in `ca` count in addition to the system's.
///
/// `None` when TLS is not `wanted`; a wrong CA file is an error all the same.
pub(crate) fn client_config(ca: Option<&Path>, wanted: bool) -> Result<Option<Arc<ClientConfig>>, Error> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca {
        add_file(&mut roots, path)?;
    }
    if !wanted {
        return Ok(None);
    }
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::debug!(%error, "some of the system's certificates could not be loaded");
    }
    // Systems carry ancient certificates that the verifier can not read; they are skipped, as everywhere.
    let (_added, _ignored) = roots.add_parsable_certificates(system.certs);
    if roots.is_empty() {
        return Err(Error::NoRoots);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Encryption(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(Arc::new(config)))
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), Error> {
    let path_buf = || path.to_path_buf();
    let pem = fs::read(path).map_err(|source| Error::CaUnreadable { path: path_buf(), source })?;
    if pem.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::CaEmpty { path: path_buf() });
    }
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| Error::CaDamaged { path: path_buf() })?;
        roots.add(certificate).map_err(|_| Error::CaDamaged { path: path_buf() })?;
        found = true;
    }
    if found { Ok(()) } else { Err(Error::CaNotPem { path: path_buf() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(contents: &[u8]) -> Error {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        fs::write(&path, contents).unwrap();
        client_config(Some(&path), false).unwrap_err()
    }

    #[test]
    fn says_what_is_wrong_with_a_ca_file() {
        let missing = client_config(Some(Path::new("/nonexistent/ca.pem")), true).unwrap_err();
        assert!(matches!(missing, Error::CaUnreadable { .. }));
        assert_eq!(missing.to_string(), "the CA file /nonexistent/ca.pem can not be read: entity not found");
        assert!(matches!(refused(b" \n"), Error::CaEmpty { .. }));
        assert!(matches!(refused(b"not a certificate"), Error::CaNotPem { .. }));
        assert!(matches!(refused(&[0x30, 0x82, 0x01, 0x0a]), Error::CaNotPem { .. }));
        let damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(refused(damaged), Error::CaDamaged { .. }));
        let cut_off = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(matches!(refused(cut_off), Error::CaDamaged { .. }));
    }

    #[test]
    fn takes_a_ca_file() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        fs::write(&path, params.self_signed(&key).unwrap().pem()).unwrap();
        assert!(client_config(Some(&path), true).unwrap().is_some());
    }
}
