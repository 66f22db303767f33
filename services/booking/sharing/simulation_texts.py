"""What the pages of simulations say, in Swedish and in English."""

from booking.sharing.simulation_words import TEXTS as WORDS
from booking.slots.texts import TEXTS as SLOT_TEXTS
from kit.web.pages import Texts

TEXTS: Texts = {
    **SLOT_TEXTS,
    **WORDS,
    "simulation_title": ("Simulering", "Simulation"),
    "simulation_of": ("Simulering: {name}", "Simulation: {name}"),
    "simulation_lead": (
        (
            "Prova hur länge familjer får vänta om ni delar tiden på ett annat sätt. Datorn går igenom ett år med "
            "påhittade familjer, med era rådgivares arbetstider och samma regler som bokningen har."
        ),
        (
            "Try how long families wait if you divide the time in another way. The computer goes through a year with "
            "invented families, with your advisors' working hours and the same rules as booking has."
        ),
    ),
    "no_agreement": (
        "Ingen av dina kommuner delar rådgivare med andra enligt ett avtal, så det finns inget att simulera.",
        "None of your municipalities shares advisors under an agreement, so there is nothing to simulate.",
    ),
    "no_offering": (
        "Avtalets rådgivare har ingen insats som bokas på tid, så det finns inget att simulera.",
        "The agreement's advisors have no offering that is booked by time, so there is nothing to simulate.",
    ),
    "choose_agreement": ("Vilket avtal?", "Which agreement?"),
    "other_agreement": ("Välj ett annat avtal", "Choose another agreement"),
    "offering": ("Insats", "Offering"),
    "demand_title": ("Familjer som söker tid, per vecka", "Families who ask for a time, each week"),
    "demand_known": (
        "Förslaget är det som bokades i genomsnitt under de senaste tolv veckorna.",
        "What is suggested is what was booked on average in the last twelve weeks.",
    ),
    "demand_guess": (
        "Ni har inga bokningar att räkna på än. Förslaget fyller 85 procent av tiden, fördelat som i avtalet.",
        "There are no bookings to go by yet. What is suggested fills 85 percent of the time, shared as agreed.",
    ),
    "surge_title": ("En topp i en kommun", "A surge in one municipality"),
    "surge_hint": (
        "Till exempel när en förskola stänger eller en BVC tipsar alla. Lämna kommunen tom för ett år utan topp.",
        "For example when a preschool closes or a BVC tells everybody. Leave the town empty for a year without.",
    ),
    "surge_town": ("Kommun", "Municipality"),
    "surge_none": ("Ingen topp", "No surge"),
    "surge_start": ("Börjar om så många veckor", "Begins in so many weeks"),
    "surge_weeks": ("Pågår så många veckor", "Lasts so many weeks"),
    "surge_factor": ("Familjer, gånger det vanliga", "Families, times the usual"),
    "policies_title": ("Sätt att dela som jämförs", "Ways of dividing to compare"),
    "policies_hint": (
        "Släpp betyder att en tid är allas från så många dagar före. Innan dess räcker kommunens egen del.",
        "Release means that a time is anybody's from so many days before. Until then a town has its own part.",
    ),
    "seed": ("Slumptal", "Seed"),
    "seed_hint": (
        "Samma tal ger samma familjer igen. Prova några tal: skiljer sig svaren är de osäkra.",
        "The same number gives the same families again. Try a few: where answers differ they are uncertain.",
    ),
    "run": ("Simulera ett år", "Simulate a year"),
    "number_wrong": ("Skriv ett tal mellan {least} och {most}.", "Write a number from {least} to {most}."),
    "choice_wrong": ("Välj något i listan.", "Choose something from the list."),
    "policies_wrong": ("Välj minst ett och högst sex sätt.", "Choose one way at least, and six at most."),
    "change": ("Ändra och simulera igen", "Change and simulate again"),
    "under_way": ("Simulering pågår", "Simulation under way"),
    "waiting": (
        "En annan simulering pågår. Din börjar när den är klar. Sidan hämtas om av sig själv.",
        "Another simulation is under way. Yours begins when it is done. This page loads itself again.",
    ),
    "progress": (
        "”{policy}”: vecka {week} av {weeks}, sätt {part} av {parts}. Sidan hämtas om av sig själv tills det är klart.",
        "“{policy}”: week {week} of {weeks}, way {part} of {parts}. This page loads itself again until it is done.",
    ),
    "look_again": ("Titta nu", "Look now"),
    "failed_title": ("Simuleringen blev inte klar", "The simulation was not finished"),
    "failed": (
        "Den tog för lång tid eller avbröts. Försök igen om en stund, eller med färre sätt att dela.",
        "It took too long or was cut off. Try again in a while, or with fewer ways of dividing.",
    ),
    "try_again": ("Försök igen", "Try again"),
    "results_lead": (
        "Ett år från {first}. Nio av tio familjer får träffa någon inom det antal dagar som står under ”9 av 10”.",
        "A year from {first}. Nine families of ten are met within the number of days that stands under “9 of 10”.",
    ),
    "to_choose": ("Att välja mellan", "To choose among"),
    "to_choose_hint": (
        "Inget annat sätt är minst lika bra för alla kommuner. Vad som är rättvist avgör ni.",
        "No other way is at least as good for every municipality. What is fair is yours to decide.",
    ),
    "results_table": ("Alla siffror", "All numbers"),
    "chart_alt": (
        "Stapeldiagram: kolumnen 9 av 10 i tabellen nedan.",
        "Bar chart: the column 9 of 10 of the table below.",
    ),
    "col_town": ("Kommun", "Municipality"),
    "col_policy": ("Sätt", "Way"),
    "col_asked": ("Familjer", "Families"),
    "col_p50": ("Hälften, dagar", "Half, days"),
    "col_p90": ("9 av 10, dagar", "9 of 10, days"),
    "col_third": ("Tredje lediga tid, dagar", "Third free time, days"),
    "col_used": ("Använt av egen tid", "Used of own time"),
    "col_unserved": ("Utan tid", "No time"),
    "col_borrowed": ("Lånade, h", "Borrowed, h"),
    "col_lent": ("Lånade ut, h", "Lent, h"),
    "all_towns": ("Alla", "All"),
    "how_title": ("Så räknas det", "How it is worked out"),
    "how": (
        (
            "En familj tar den första tid som dess kommun får boka. Hittar den ingen försöker den igen varje morgon i "
            "{patience} dagar. Familjer som ger upp räknas med den väntan som de minst hade fått: {least} dagar. "
            "{cancelled} procent avbokar, {missed} procent uteblir. Språk, plats och sätt att mötas är inte med. "
            "Egen tid är det som avtalet ger kommunen: över 100 procent är lånat av andra, eller sparat sedan förut."
        ),
        (
            "A family takes the first time that its municipality may book. One that finds none tries again each "
            "morning for {patience} days. Families who give up count with the least they would have waited: {least} "
            "days. {cancelled} percent cancel, {missed} percent do not come. Language, place and way to meet are left "
            "out. Own time is what the agreement gives a municipality: above 100 percent is borrowed from others, or "
            "kept from before."
        ),
    ),
}
