//! READY=1, STOPPING=1 and the watchdog.
