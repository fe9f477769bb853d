//! One round of one endpoint as a state machine: what to ask, and the observation when everything is answered.
