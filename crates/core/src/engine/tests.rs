//! Tests of the engine on virtual time: a rig performs its effects against a toy store, step by step or by itself.

mod changes;
mod gates;
mod holds;
mod paging;
mod random;
mod replays;
mod rig;
mod sending;
mod shares;
mod standing;
mod toy;
