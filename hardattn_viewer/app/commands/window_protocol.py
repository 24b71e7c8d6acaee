"""What commands may ask of the main window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hardattn_viewer.app.find_desk import FindDesk


class Window(Protocol):
    """What commands ask of the main window."""

    @property
    def desk(self) -> FindDesk:
        """What finds steps, and keeps bookmarks."""

    def choose_runs(self) -> None:
        """Ask for run files."""

    def choose_parts(self) -> None:
        """Ask for a folder of parts."""

    def choose_url(self) -> None:
        """Ask for the URL of a run."""

    def export_figure(self) -> None:
        """Show the export dialog."""

    def copy_numbers(self) -> None:
        """Copy the inspector."""

    def show_palette(self) -> None:
        """Show the palette."""

    def show_help(self) -> None:
        """Show all keys."""

    def show_tour(self) -> None:
        """Point at one part of the window after another."""

    def show_report(self) -> None:
        """Show what a report of a problem should hold."""

    def show_about(self) -> None:
        """Say what this is."""

    def focus_filter(self) -> None:
        """Go to the filter field."""

    def choose_site(self) -> None:
        """Show the list of sites."""

    def choose_head(self) -> None:
        """Show the list of heads."""

    def choose_check(self) -> None:
        """Ask what shall be checked of the run in focus."""

    def stop_check(self) -> None:
        """End the check that goes on."""

    def choose_report(self) -> None:
        """Ask where the report of the checks shall be saved."""

    def show_omissions(self) -> None:
        """Say what is not in the runs that are shown."""

    def show_samples(self) -> None:
        """Show the sample runs."""

    @property
    def has_last_session(self) -> bool:
        """Whether a session was closed that can be restored."""

    @property
    def restores_at_start(self) -> bool:
        """Whether the last session is restored at the start."""

    def save_session(self) -> None:
        """Ask where the session shall be saved."""

    def open_session(self) -> None:
        """Ask which session shall be shown."""

    def restore_session(self) -> None:
        """Show the session that was closed last."""

    def toggle_restore(self) -> None:
        """Restore the last session at the start, or not."""

    def show_log(self) -> None:
        """Show what went wrong."""

    def keep_numbers(self) -> None:
        """Keep the inspector's numbers, or let go of those kept."""

    def toggle_theme(self) -> None:
        """Change the theme."""

    def reset_layout(self) -> None:
        """Put the docks back."""

    def let_go(self) -> None:
        """Unpin."""

    def close_focused_run(self) -> None:
        """Close the run in focus."""

    def close(self) -> bool:
        """Close the window."""
