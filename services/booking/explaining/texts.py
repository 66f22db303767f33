"""What the page says that explains a time, in Swedish and in English."""

from kit.web.pages import Texts

TEXTS: Texts = {
    "video": ("video", "video"),
    "phone": ("telefon", "phone"),
    "visit": ("besök", "visit"),
    "title": ("Varför erbjuds inte tiden?", "Why is this time not offered?"),
    "lead": (
        "Välj en tid som du undrar över. Du får veta om familjer kan boka den, och annars vad som hindrar.",
        "Choose a time that you wonder about. You learn whether families can book it, and if not, what is in the way.",
    ),
    "offering": ("Insats", "Offering"),
    "offering_choose": ("Välj en insats", "Choose an offering"),
    "town": ("Familjens kommun", "The family's municipality"),
    "town_choose": ("Välj en kommun", "Choose a municipality"),
    "advisor": ("Rådgivare", "Advisor"),
    "advisor_choose": ("Välj en rådgivare", "Choose an advisor"),
    "day": ("Dag", "Day"),
    "time": ("Klockslag då samtalet börjar", "Time at which the talk begins"),
    "ask": ("Visa", "Show"),
    "day_wrong": ("Skriv en dag, till exempel 2026-03-02", "Write a day, such as 2026-03-02"),
    "time_wrong": ("Skriv ett klockslag, till exempel 09:00", "Write a time, such as 09:00"),
    "time_skipped": (
        "Det klockslaget finns inte den dagen: klockan ställs fram. Välj ett annat.",
        "There is no such time on that day: the clocks go forward. Choose another one.",
    ),
    "about": (
        "{offering} med {advisor} för familjer i {town}, {when}.",
        "{offering} with {advisor} for families in {town}, {when}.",
    ),
    "place": ("Besök tas emot på {place}.", "Visits are met at {place}."),
    "rules_title": ("Så prövades tiden", "How the time was tried"),
    "rules_lead": (
        "Reglerna prövas i den här ordningen. Den första som säger nej avgör.",
        "The rules are tried in this order. The first that says no decides.",
    ),
    "rule_yes": ("Ja", "Yes"),
    "rule_no": ("Nej", "No"),
    "rule_unasked": ("Prövades inte", "Was not tried"),
    "rule_offering": ("Finns insatsen?", "Is there such an offering?"),
    "rule_self_booking": ("Bokar familjer den själva?", "Do families book it themselves?"),
    "rule_municipality": ("Erbjuds den i kommunen?", "Is it offered in the municipality?"),
    "rule_advisor": ("Hör rådgivaren till insatsen?", "Is the advisor one of the offering's?"),
    "rule_way": (
        "Finns det ett sätt att träffas som båda har?",
        "Is there a way to meet that both have?",
    ),
    "rule_shared": (
        "Arbetar rådgivaren för kommunen den dagen?",
        "Does the advisor work for the municipality on that day?",
    ),
    "rule_working": ("Är rådgivaren i tjänst då?", "Is the advisor at work then?"),
    "rule_start": ("Är det en starttid?", "Is it a time at which talks begin?"),
    "rule_free": ("Är tiden ledig?", "Is the time free?"),
    "rule_in_time": ("Är det tillräckligt långt kvar?", "Is it far enough ahead?"),
    "rule_horizon": ("Har bokningen öppnat?", "Has booking opened?"),
    "rule_share": ("Har kommunen tid kvar att boka?", "Has the municipality time left to book?"),
    # One sentence for each answer, and what can be done
    "why_offered": (
        "Tiden erbjuds: familjer i {town} kan boka den.",
        "The time is offered: families in {town} can book it.",
    ),
    "do_offered": (
        "Syns den inte för en familj, be den ladda om sidan och välja rätt sätt att träffas.",
        "If a family does not see it, ask it to reload the page and to choose the right way to meet.",
    ),
    "why_offering_unknown": ("Insatsen finns inte.", "There is no such offering."),
    "do_offering_unknown": ("Välj en insats ur listan.", "Choose an offering from the list."),
    "why_offering_ended": ("{offering} är avslutad.", "{offering} has ended."),
    "do_offering_ended": ("Välj en annan insats.", "Choose another offering."),
    "why_not_booked_by_families": (
        "{offering} är inget som familjer bokar själva.",
        "{offering} is nothing that families book themselves.",
    ),
    "do_not_booked_by_families": (
        "Ska de kunna det? Samordnaren kan ändra insatsen i katalogen.",
        "Should they? The coordinator can change the offering in the register.",
    ),
    "why_municipality_unknown": ("Kommunen finns inte.", "There is no such municipality."),
    "do_municipality_unknown": ("Välj en kommun ur listan.", "Choose a municipality from the list."),
    "why_not_in_municipality": ("{offering} erbjuds inte i {town}.", "{offering} is not offered in {town}."),
    "do_not_in_municipality": (
        "Ska den göra det? Samordnaren kan lägga till kommunen på insatsen i katalogen.",
        "Should it be? The coordinator can add the municipality to the offering in the register.",
    ),
    "why_nobody_answers": (
        "Ingen verksamhet i {town} svarar för familjerna i {offering}.",
        "No unit of {town} answers for the families in {offering}.",
    ),
    "do_nobody_answers": (
        "Be samordnaren välja en verksamhet i {town} på insatsens sida.",
        "Ask the coordinator to choose a unit of {town} in the register.",
    ),
    "why_advisor_unknown": ("{advisor} är inte rådgivare längre.", "{advisor} is no longer an advisor."),
    "do_advisor_unknown": ("Välj en annan rådgivare.", "Choose another advisor."),
    "why_not_among_advisors": (
        "{advisor} hör inte till rådgivarna för {offering}.",
        "{advisor} is not one of the advisors of {offering}.",
    ),
    "do_not_among_advisors": (
        "Ska det vara så? Samordnaren kan lägga till rådgivaren på insatsen i katalogen.",
        "Is that right? The coordinator can add the advisor to the offering in the register.",
    ),
    "why_no_common_way": (
        "{advisor} och {offering} har inget sätt att träffas gemensamt.",
        "{advisor} and {offering} have no way to meet in common.",
    ),
    "do_no_common_way": (
        "Samordnaren kan ändra sätten att träffas i katalogen, för insatsen eller för rådgivaren.",
        "The coordinator can change the ways to meet in the register, of the offering or of the advisor.",
    ),
    "why_not_shared": (
        "Avtalet {pool} gäller inte {town} den dagen.",
        "The agreement {pool} does not hold for {town} on that day.",
    ),
    "do_not_shared": (
        "Välj en annan dag eller rådgivare. Vad avtalet säger står under Samverkan.",
        "Choose another day or advisor. What the agreement says stands under Agreements.",
    ),
    "why_employed_elsewhere": (
        "{advisor} arbetar i en annan kommun och delas inte med {town}.",
        "{advisor} works in another municipality and is not shared with {town}.",
    ),
    "do_employed_elsewhere": (
        "Ska rådgivaren delas krävs ett avtal om samverkan i katalogen.",
        "To share the advisor, an agreement is needed in the register.",
    ),
    "why_no_working_time": (
        "{advisor} har ingen arbetstid inlagd för den dagen.",
        "{advisor} has no working hours entered for that day.",
    ),
    "do_no_working_time": (
        "Samordnaren lägger in arbetstid i katalogen.",
        "The coordinator enters working hours in the register.",
    ),
    "why_holiday": ("Det är {holiday}, och då är det stängt.", "It is {holiday}, and closed."),
    "do_holiday": (
        "Välj en annan dag. Rådgivaren kan också lägga in extra tid.",
        "Choose another day. The advisor can also enter extra hours.",
    ),
    "why_absent": ("{advisor} är inte i tjänst då.", "{advisor} is not at work then."),
    # To the advisor herself; others are not told of what she is away.
    "why_absent_own": ("Du har frånvaro inlagd då.", "You have leave entered then."),
    "do_absent_own": (
        "Vill du arbeta då, ändra det under Frånvaro och extra tid.",
        "If you want to work then, change it under Leave and extra hours.",
    ),
    "do_absent": ("Välj en annan tid eller rådgivare.", "Choose another time or advisor."),
    "why_outside_hours": ("{advisor} arbetar inte då.", "{advisor} does not work then."),
    "do_outside_hours": ("Arbetstiden den dagen är kl. {hours}.", "The working hours of that day are {hours}."),
    "do_outside_hours_none": (
        "Den dagen arbetar rådgivaren inte alls. Välj en annan dag.",
        "The advisor does not work on that day. Choose another one.",
    ),
    "why_no_way_then": (
        "I det arbetspasset träffar {advisor} familjer bara genom {ways}, och så ges inte {offering}.",
        "In those hours {advisor} meets families by {ways} only, and {offering} is not given so.",
    ),
    "do_no_way_then": ("Välj en annan tid.", "Choose another time."),
    "why_no_place": (
        "I det arbetspasset tar {advisor} emot besök, men passet har ingen plats med en adress.",
        "In those hours {advisor} receives visits, but they have no place with an address.",
    ),
    "do_no_place": (
        "Samordnaren anger platsen i arbetstiden i katalogen.",
        "The coordinator names the place in the working hours in the register.",
    ),
    "why_not_a_start": (
        "{offering} börjar inte vid det klockslaget.",
        "{offering} does not begin at that time.",
    ),
    "do_not_a_start": ("De närmaste lediga starttiderna är {starts}.", "The nearest free starts are {starts}."),
    "do_not_a_start_none": (
        "Den dagen är ingen starttid ledig. Välj en annan dag.",
        "On that day no start is free. Choose another one.",
    ),
    "why_too_long": (
        "{offering} hinner inte bli klar inom arbetstiden, med det efterarbete som hör till.",
        "{offering} would not be over within the working hours, with the time afterwards that belongs to it.",
    ),
    "do_too_long": ("De närmaste lediga starttiderna är {starts}.", "The nearest free starts are {starts}."),
    "do_too_long_none": (
        "Den dagen är ingen starttid ledig. Välj en annan dag.",
        "On that day no start is free. Choose another one.",
    ),
    "why_taken": ("Tiden är upptagen.", "The time is taken."),
    "do_taken": ("Välj en annan tid.", "Choose another time."),
    "why_held": ("Tiden är reserverad just nu.", "The time is held at the moment."),
    "do_held": (
        "Någon håller på att boka den. Titta igen om en stund.",
        "Somebody is booking it. Look again in a while.",
    ),
    "why_past": ("Tiden har varit.", "The time is over."),
    "do_past": ("Välj en senare tid.", "Choose a later time."),
    "why_too_soon": (
        "Tiden ligger för nära: familjer bokar {offering} minst {lead} före.",
        "The time is too soon: families book {offering} at least {lead} before.",
    ),
    "do_too_soon": (
        "Personal kan boka den ändå, under Boka åt en familj.",
        "Staff can book it nevertheless, under Book for a family.",
    ),
    "why_too_far_ahead": ("Tiden har inte öppnat för bokning än.", "The time is not yet open for booking."),
    "do_too_far_ahead": ("Den öppnar {opens}.", "It opens on {opens}."),
    "why_share_unknown": (
        "Hur mycket tid {town} får boka då är inte uträknat än.",
        "How much time {town} may book then is not yet worked out.",
    ),
    "do_share_unknown": (
        "Det görs inom någon minut. Står det kvar: säg till driften.",
        "It is done within a minute. If this stays, tell those who run the system.",
    ),
    "why_share_used": (
        "{town} har använt sin del: {used} av {limit} från {first} till {last}. Den här tiden tar {charge}.",
        "{town} has used its part: {used} of {limit} from {first} to {last}. This time takes {charge}.",
    ),
    "do_share_used": (
        "Är den ledig {opens} får alla kommuner i avtalet boka den då.",
        "If it is free on {opens}, all municipalities of the agreement may book it then.",
    ),
}
