"""What the pages of the agreements say, in Swedish and in English."""

from kit.web.pages import Texts

TEXTS: Texts = {
    "agreements_title": ("Samverkan mellan kommuner", "Municipalities that share advisors"),
    "agreements_lead": (
        "Här ser du hur rådgivarnas tid har delats, för varje avtal som någon av dina kommuner är med i.",
        "Here is how the advisors' time was divided, for each agreement that one of your municipalities is in.",
    ),
    "agreements_none": (
        "Ingen av dina kommuner är med i något avtal om att dela rådgivare.",
        "None of your municipalities is in an agreement to share advisors.",
    ),
    "members": ("Kommuner: {names}", "Municipalities: {names}"),
    "year_link": ("Redovisning för {year}", "Report for {year}"),
    "report_title": ("{name} {year}", "{name} {year}"),
    "report_lead": (
        "Hur kommunerna delade rådgivarnas tid under året. Redovisningen är den som avtalet kräver (KL 9:38).",
        "How the municipalities divided the advisors' time in the year: the report that an agreement owes (KL 9:38).",
    ),
    "report_none": (
        "Ingen tid är bokförd på {year}. Kanske gällde avtalet inte då, eller så har året inte börjat.",
        "No time is entered for {year}. Perhaps the agreement did not apply then, or the year has not begun.",
    ),
    "report_running": (
        "Året är inte slut. Bokade tider längre fram i året räknas redan, och siffrorna ändras än.",
        "The year is not over. Times booked later in the year count already, and the numbers still change.",
    ),
    "report_year": (
        "En period hör till det år då dess första dag är: veckan över nyår räknas till det gamla året.",
        "A period belongs to the year of its first day: the week around New Year's counts to the old year.",
    ),
    "chart_title": ("Rätt till och använt", "Entitled to and used"),
    "chart_unit": ("timmar under året", "hours in the year"),
    "chart_words": (
        "Stapeldiagram över vad varje kommun hade rätt till och använde. Tabellen har samma siffror.",
        "Bar chart of what each municipality was entitled to and used. The table has the same numbers.",
    ),
    "decimal_sign": (",", "."),
    "totals": ("Hela året, i timmar och minuter", "The whole year, in hours and minutes"),
    "each_period": ("Visa varje period ({number})", "Show each period ({number})"),
    "col_town": ("Kommun", "Municipality"),
    "col_code": ("Kommunkod", "Municipality code"),
    "col_agreement": ("Avtal", "Agreement"),
    "col_period": ("Period", "Period"),
    "col_first": ("Första dag", "First day"),
    "col_last": ("Sista dag", "Last day"),
    "col_entitled": ("Rätt till", "Entitled to"),
    "col_credit": ("Sparat", "Saved"),
    "col_used": ("Använt", "Used"),
    "col_unused": ("Outnyttjat", "Unused"),
    "col_borrowed": ("Lånat av andra", "Borrowed"),
    "col_lent": ("Lånat ut", "Lent"),
    "col_balance": ("Saldo", "Balance"),
    "col_borrowed_from": ("Lånat av {name}", "Borrowed from {name}"),
    "col_lent_to": ("Lånat ut till {name}", "Lent to {name}"),
    "csv_minutes": ("{what} (minuter)", "{what} (minutes)"),
    "of": ("{name}: {time}", "{name}: {time}"),
    "days": ("{first} till {last}", "{first} to {last}"),
    "meaning": ("Vad siffrorna betyder", "What the numbers mean"),
    "means_entitled": (
        "Kommunens del av den tid som rådgivarna arbetade. Frånvaro och helgdagar minskar den för alla.",
        "The municipality's part of the time that the advisors worked. Leave and holidays lower it for all.",
    ),
    "means_credit": (
        "Tid som kommunen inte använde i en tidigare period och fick ta med sig.",
        "Time that the municipality did not use in an earlier period and could take along.",
    ),
    "means_used": (
        (
            "Tid som är bokad åt kommunens familjer, eller just nu reserverad av någon som bokar, med resor och"
            " förberedelser. Uteblivna besök räknas, avbokade inte."
        ),
        (
            "Time booked for the municipality's families, or held just now by somebody who is booking, travel included."
            " Visits missed count, cancelled ones do not."
        ),
    ),
    "means_borrowed": (
        "Tid som kommunen använde utöver sin egen del, och vilken kommun den kom från.",
        "Time that the municipality used beyond its own part, and from which municipality it came.",
    ),
    "means_lent": (
        "Tid ur kommunens del som en annan kommun använde, och vilken.",
        "Time of the municipality's part that another one used, and which.",
    ),
    "means_unused": (
        "Det som blev över: rätt till, sparat och lånat, utom använt och utlånat. Minus när frånvaro tog bokad tid.",
        "What was left: entitled, saved and borrowed, less used and lent. Below zero where leave took booked time.",
    ),
    "means_balance": (
        "Utlånat minus lånat. Plus: de andra har använt av kommunens tid. Minus: kommunen har använt av de andras.",
        "Lent minus borrowed. Above zero, others used this municipality's time; below zero, it used theirs.",
    ),
    "terms_title": ("Vad avtalet sa under året", "What the agreement said in the year"),
    "terms_none": ("Avtalet gällde inte under året.", "The agreement did not apply in the year."),
    "terms_days": ("{first} till {last}", "{first} to {last}"),
    "terms_from": ("Från {first}", "From {first}"),
    "terms_shares": ("Delar: {shares}.", "Shares: {shares}."),
    "terms_iso_week": ("Tiden delas vecka för vecka.", "The time is divided week by week."),
    "terms_four_weeks": ("Tiden delas i perioder om fyra veckor.", "The time is divided in periods of four weeks."),
    "terms_release": (
        "En tid som är ledig {days} dagar före får bokas av vilken som helst av kommunerna.",
        "A time that is free {days} days before may be booked by any of the municipalities.",
    ),
    "terms_carry": (
        "Det som inte används får sparas, högst {percent} procent av en periods tid.",
        "What is not used can be saved, at most {percent} percent of a period's time.",
    ),
    "terms_carry_none": ("Det som inte används sparas inte.", "What is not used is not saved."),
    "export": ("Hämta som fil (CSV)", "Take out as a file (CSV)"),
    "all_agreements": ("Alla avtal", "All agreements"),
    "other_years": ("Andra år", "Other years"),
}
