//! hickory → resolutions.
