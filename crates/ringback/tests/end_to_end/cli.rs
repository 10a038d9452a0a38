//! The command line: help, mistakes, output, signals.
