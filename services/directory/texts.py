"""What directory's pages say, in Swedish and in English."""

from kit.web.pages import Texts

TEXTS: Texts = {
    "sign_in_title": ("Logga in", "Sign in"),
    "sign_in_lead": ("Samtid för den som arbetar med föräldrastöd.", "Samtid for those who work with parent support."),
    "demo_lead": (
        "Det här är en demonstration. Välj vem du vill vara; sidorna visar det som den rollen får se.",
        "This is a demonstration. Choose whom to be; the pages show what that role may see.",
    ),
    "demo_choose": ("Vem vill du vara?", "Whom do you want to be?"),
    "demo_missing": ("Välj en person.", "Choose a person."),
    "signed_out_title": ("Du är utloggad", "You are signed out"),
    "signed_out_lead": (
        "Dina sessioner är avslutade på alla enheter.",
        "Your sessions have ended on all devices.",
    ),
    "sign_in_again": ("Logga in igen", "Sign in again"),
    "your_identity": (
        "Det här behöver din samordnare veta. Inloggningstjänsten kallar dig:",
        "Your coordinator needs to know this. The sign-in service calls you:",
    ),
    "start_title": ("Välkommen", "Welcome"),
    "start_none": (
        "Du är inloggad, men du har ingen roll som leder till någon sida än. Be din samordnare om en.",
        "You are signed in, but no role of yours leads to a page yet. Ask your coordinator for one.",
    ),
    "role_advisor": ("rådgivare", "advisor"),
    "role_coordinator": ("samordnare", "coordinator"),
    "role_nurse": ("sjuksköterska", "nurse"),
    "role_reviewer": ("granskare", "reviewer"),
    "role_operator": ("driftansvarig", "operator"),
    "own_time_wrong": ("Det gick inte att spara", "It could not be saved"),
    "own_time_kept": ("Inget är sparat. Det du skrev finns kvar.", "Nothing is saved. What you wrote is kept."),
    "own_time_back": ("Ändra det du skrev", "Change what you wrote"),
}
