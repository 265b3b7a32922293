//! Where colours show. Everything is written with them; `anstream` takes them out where they do not belong.

use anstream::ColorChoice;
use keywheel::core::yaml::Style;

use crate::args::Colour;

/// Applies `--color` to every crate that draws.
pub(super) fn configure(colour: Colour) {
    let choice = match colour {
        Colour::Auto => ColorChoice::Auto,
        Colour::Always => ColorChoice::Always,
        Colour::Never => ColorChoice::Never,
    };
    choice.write_global();
    // Questions and bars decide by themselves otherwise.
    match colour {
        Colour::Auto => {}
        Colour::Always => dialoguer::console::set_colors_enabled_stderr(true),
        Colour::Never => dialoguer::console::set_colors_enabled_stderr(false),
    }
}

/// For mistakes in a file; what does not belong on stderr is taken out when it is written.
pub(crate) fn diagnostics_style() -> Style {
    Style::Coloured
}
