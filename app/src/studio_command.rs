//! `genlock`: the studio window.

use crate::cli::ShowArgs;
use crate::outcome::{Exit, Failure};
use crate::settings::Settings;
use crate::show::{self, Plan, Stagehands};

/// # Errors
/// What kept the window from opening.
pub(crate) fn run(args: &ShowArgs) -> Result<Exit, Failure> {
    let plan = Plan { settings: Settings::of(args)?, destination: None, is_rehearsal: false, go_live: false };
    let report = show::run(plan, args, &Stagehands::new()?)?;
    show::tell(&report, args)?;
    Ok(Exit::from_code(report.exit))
}
