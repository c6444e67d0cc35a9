"""How every report looks: one page with all in it, one palette, one kind of contact sheet."""
