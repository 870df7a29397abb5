//! The `fitout` program; everything is in the library.

fn main() -> std::process::ExitCode {
    fitout::cli::main(std::env::args_os())
}
