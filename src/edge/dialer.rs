//! TCP handshakes → contacts.
