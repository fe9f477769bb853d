//! The file that says where imported vantages stood.
