"""What the pages of figures say, in Swedish and in English."""

from kit.web.pages import Texts

TEXTS: Texts = {
    "figures_title": ("Siffror", "Figures"),
    "figures_lead": (
        "Så lika är stödet i kommunerna: hur länge familjer väntar, hur många som får stöd och vad som blev av.",
        "How equal support is: how long families wait, how many are reached, and what came of it.",
    ),
    "figures_seen": (
        (
            "Du ser dina egna kommuner och, för hela kvartal, de kommuner som delar rådgivare med dem. Mottagningar"
            " visas bara i dina egna."
        ),
        (
            "You see your own municipalities and, for whole quarters, those that share advisors with them. Centres are"
            " shown in your own alone."
        ),
    ),
    "own_alone": (
        (
            "Här visas bara dina egna kommuner. Andra kommuner visas för hela kvartal, från två veckor efter kvartalets"
            " slut, och ändras sedan inte: annars kunde enskilda familjer räknas ut."
        ),
        (
            "Only your own municipalities are shown here. Others are shown for whole quarters, from two weeks after the"
            " quarter ends, and do not change after that: otherwise single families could be made out."
        ),
    ),
    "compare": ("Jämför {period}", "Compare {period}"),
    "period": ("Period", "Period"),
    "period_own": ("Egna datum, här nedanför", "Dates of your own, below"),
    "first": ("Från och med", "From"),
    "last": ("Till och med", "To and including"),
    "own_hint": ("Fyll bara i om du har valt egna datum.", "Only where you chose dates of your own."),
    "show": ("Visa", "Show"),
    "export": ("Hämta som fil (CSV)", "Download as a file (CSV)"),
    "quarter": ("kvartal {number} {year}", "quarter {number} of {year}"),
    "whole_year": ("hela {year}", "all of {year}"),
    "shown_period": ("Det här gäller {first}–{last}.", "This is about {first}–{last}."),
    "day_wrong": ("Skriv datum så här: 2026-03-02.", "Write the date like this: 2026-03-02."),
    "last_wrong": ("Till och med kan inte vara före från och med.", "The last day cannot be before the first."),
    "too_short": (
        "Välj minst fyra veckor. Under kortare tid går det att se enskilda familjer.",
        "Choose four weeks at least. In less, single families could be made out.",
    ),
    "too_long": ("Välj högst tre år åt gången.", "Choose three years at the most."),
    "period_wrong": ("Välj en period i listan.", "Choose a period from the list."),
    "no_towns": (
        "Här finns inget att visa än: ingen av dina verksamheter hör till en kommun som är med.",
        "There is nothing to show yet: none of your units belongs to a municipality that takes part.",
    ),
    "no_rows": ("Inget att visa för perioden.", "Nothing to show for the period."),
    "how_title": ("Så läser du siffrorna", "How to read the figures"),
    "how_hidden": (
        "{hidden}: färre än fem, eller ett tal som skulle avslöja ett sådant. Noll visas, för noll är ingen familj.",
        "{hidden}: fewer than five, or a number that would give one such away. Zero is shown, for zero is no family.",
    ),
    "how_half": (
        "Hälften: hälften är så korta eller kortare. Nio av tio: nio av tio är så korta eller kortare.",
        "Half: half are as short or shorter. Nine in ten: nine in ten are as short or shorter.",
    ),
    "how_nothing": ("{nothing}: det fanns inget att räkna.", "{nothing}: there was nothing to count."),
    "hidden": ("döljs", "hidden"),
    "nothing": ("–", "–"),
    "full": ("ingen ledig", "none free"),
    "unknown": ("inte ifyllt", "not entered"),
    "town": ("Kommun", "Municipality"),
    "centre": ("Mottagning", "Centre"),
    "agreement": ("Samverkan", "Agreement"),
    "chart_alt": ("Diagram med samma siffror som i tabellen: {title}", "A chart of the table's own figures: {title}"),
    # Tables: title, what its numbers mean, and the unit of its picture.
    "wait_title": ("Hur länge familjer väntar", "How long families wait"),
    "wait_note": (
        (
            "Ledig tid mäts en gång om dagen, för varje insats. Tredje lediga tiden säger mer än den första, som ofta"
            " är ett återbud. Tider som någon just håller på att boka räknas inte som lediga. Första mötet är en ny"
            " familjs första möte som blev av."
        ),
        (
            "Free time is measured once a day, for each offering. The third free time says more than the first, which"
            " is often one that was just given back. Times that somebody is about to book do not count as free."
            " The first meeting is a new family's first that took place."
        ),
    ),
    "wait_unit": ("dagar", "days"),
    "third_drawn": ("Tredje lediga tid, hälften", "Third free time, half"),
    "met_90_drawn": ("Första mötet, nio av tio", "First meeting, nine in ten"),
    "third": ("Dagar till tredje lediga tid, hälften", "Days to third free time, half"),
    "first_col": ("Dagar till första lediga tid, hälften", "Days to first free time, half"),
    "first_90": ("Dagar till första lediga tid, nio av tio", "Days to first free time, nine in ten"),
    "met": ("Dagar från bokning till första mötet, hälften", "Days from booking to first meeting, half"),
    "met_90": ("Dagar från bokning till första mötet, nio av tio", "Days from booking to first meeting, nine in ten"),
    "reach_title": ("Hur många familjer nås", "How many families are reached"),
    "reach_note": (
        (
            "Bokningar som gjordes under perioden, även de som avbokades sedan. Sökningar är familjers egna, inte"
            " personalens."
        ),
        "Bookings made in the period, also those cancelled later. Searches are families' own, not by staff.",
    ),
    "reach_unit": ("bokningar på 1\u00a0000 barn", "bookings per 1,000 children"),
    "made": ("Bokningar", "Bookings"),
    "children": ("Barn", "Children"),
    "children_of": ("{source}, {day}", "{source}, {day}"),
    "per_1000": ("Bokningar på 1\u00a0000 barn", "Bookings per 1,000 children"),
    "searched": ("Sökningar", "Searches"),
    "in_vain": ("Sökningar utan ledig tid", "Searches that found nothing"),
    "no_children": (
        "Inget antal barn är ifyllt för {names}. Det fylls i på kommunens eller mottagningens sida i katalogen.",
        (
            "No number of children is entered for {names}. It is entered on the municipality's or centre's page in the"
            " register."
        ),
    ),
    "to_register": ("Till katalogen", "To the register"),
    "ways_title": ("Hur familjer vill mötas", "How families want to meet"),
    "ways_note": ("Av de bokningar som gjordes under perioden.", "Of the bookings made in the period."),
    "ways_unit": ("procent av bokningarna", "percent of the bookings"),
    "visit": ("Besök", "Visits"),
    "visit_share": ("Besök, andel", "Visits, share"),
    "video": ("Video", "Video"),
    "video_share": ("Video, andel", "Video, share"),
    "phone": ("Telefon", "Telephone"),
    "phone_share": ("Telefon, andel", "Telephone, share"),
    "kept_title": ("Möten som blev av", "Meetings that took place"),
    "kept_note": (
        (
            "Möten vars tid var under perioden. Sent avbokad är efter insatsens gräns för avbokning. Uteblivna räknas"
            " av dem som väntades, sena avbokningar av alla tre."
        ),
        (
            "Meetings whose time was in the period. Cancelled late is after the offering's limit. Missed is a share of"
            " those expected, late cancellations of all three."
        ),
    ),
    "kept_unit": ("procent", "percent"),
    "fulfilled": ("Blev av", "Took place"),
    "no_show": ("Uteblev", "Missed"),
    "late": ("Sent avbokade", "Cancelled late"),
    "no_show_share": ("Uteblev, andel", "Missed, share"),
    "late_share": ("Sent avbokade, andel", "Cancelled late, share"),
    "balance_title": ("Balansen i samverkan", "The balance of the agreements"),
    "balance_note": (
        (
            "Timmar i de delar av avtalet (veckor) som börjar under perioden, avrundade till fem timmar så att inget"
            " enskilt möte syns. Andelen är räknad på minuterna före avrundningen, och döljs där mindre än fem timmar"
            " är använda. Använt är det som är bokat, eller just nu reserverat av någon som bokar. Avtalets egen"
            " redovisning har exakta minuter."
        ),
        (
            "Hours in the agreement's weeks that begin in the period, rounded to five hours so that no single meeting"
            " is seen. The share is of the minutes before they were rounded, and hidden where less than five hours are"
            " used. Used is what is booked, or held just now by somebody who is booking. The agreement's own report has"
            " exact minutes."
        ),
    ),
    "balance_unit": ("timmar", "hours"),
    "entitled": ("Har rätt till", "Entitled to"),
    "used": ("Använt", "Used"),
    "used_share": ("Använt, andel", "Used, share"),
    "borrowed": ("Lånat av andra", "Borrowed"),
    "lent": ("Lånat ut", "Lent"),
    "centres_title": ("Besök per mottagning", "Visits by centre"),
    "centres_note": (
        "Besök av kommunens egna familjer, även i andra kommuner. Besök räknas när de bokas, övrigt på sin dag.",
        "Visits by the municipality's own families, elsewhere too. Visits count when booked, the rest on their day.",
    ),
    "centres_unit": ("bokade besök på 1\u00a0000 barn", "booked visits per 1,000 children"),
    "csv_table": ("tabell", "table"),
    "csv_within": ("inom", "within"),
    "csv_place": ("plats", "place"),
    "csv_figure": ("mått", "figure"),
    "csv_value": ("värde", "value"),
    "csv_unit": ("enhet", "unit"),
    "csv_first": ("från och med", "from"),
    "csv_last": ("till och med", "to and including"),
    "unit_count": ("antal", "number"),
    "unit_days": ("dagar", "days"),
    "unit_percent": ("procent", "percent"),
    "unit_rate": ("per 1\u00a0000 barn", "per 1,000 children"),
    "unit_hours": ("timmar", "hours"),
}
