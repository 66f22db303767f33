"""What the pages of the catalogue and of free times say, in Swedish and in English, and what all of booking's say."""

from kit.web.pages import Texts

TEXTS: Texts = {
    # Every page
    "site": ("Föräldrastöd", "Parent support"),
    "rather_call": ("Vill du hellre ringa?", "Would you rather call?"),
    "call_us": ("Ring oss gärna:", "You are welcome to call us:"),
    "concern": ("Är du orolig för ett barn?", "Are you worried about a child?"),
    "concern_link": ("Gör en orosanmälan i {town}", "Make a report of concern in {town} (in Swedish)"),
    "concern_anywhere": (
        "Är du orolig för ett barn? Ring socialtjänsten där barnet bor.",
        "Are you worried about a child? Call the social services where the child lives.",
    ),
    "danger": (
        "Ring 112 om det är bråttom eller någon är i fara.",
        "Call 112 if it is urgent or somebody is in danger.",
    ),
    "back": ("Tillbaka", "Back"),
    "video": ("video", "video"),
    "phone": ("telefon", "phone"),
    "visit": ("besök", "visit"),
    # The start page
    "start_title": ("Prata med någon om livet som förälder", "Talk with somebody about life as a parent"),
    "start_lead": (
        "Här bokar du själv ett samtal med en rådgivare. Det är gratis, och du behöver inget konto.",
        "Here you book a talk with an advisor yourself. It is free of charge, and you need no account.",
    ),
    "start_choose": ("Var bor du?", "Where do you live?"),
    "start_none": (
        "Ingen kommun tar emot bokningar här just nu. Titta gärna in igen senare.",
        "No municipality takes bookings here at the moment. Please look in again later.",
    ),
    # What a municipality offers
    "other_town": ("Välj en annan kommun", "Choose another municipality"),
    "catalogue_title": ("Stöd till föräldrar i {town}", "Support for parents in {town}"),
    "catalogue_book": ("Boka ett samtal", "Book a talk"),
    "catalogue_none": ("Här finns inget att boka just nu.", "There is nothing to book here at the moment."),
    "kind_conversation": ("Samtal som vi bokar med dig", "Talks that we book with you"),
    "kind_course": ("Kurser och grupper", "Courses and groups"),
    "kind_lecture": ("Föreläsningar", "Lectures"),
    "kind_drop_in": ("Öppet för alla, utan bokning", "Open to all, without booking"),
    "minutes": ("{minutes} minuter", "{minutes} minutes"),
    "ages": ("barn {first}–{last} år", "children aged {first}–{last}"),
    "ages_expecting": ("gravida och barn {first}–{last} år", "parents-to-be and children aged {first}–{last}"),
    # How to meet
    "modality_title": ("Hur vill du träffas?", "How would you like to meet?"),
    "modality_missing": ("Välj hur du vill träffas", "Choose how you would like to meet"),
    "video_choice": ("På video", "By video"),
    "phone_choice": ("På telefon", "By phone"),
    "visit_choice": ("På plats", "In person"),
    "video_about": ("Ni ses på skärmen, hemifrån eller var du vill.", "You meet on screen, from home or anywhere."),
    "phone_about": ("Rådgivaren ringer upp dig.", "The advisor calls you."),
    "visit_about": ("Du kommer till rådgivaren.", "You come to the advisor."),
    "first_time": ("Första lediga tid:", "First free time:"),
    "no_time_now": ("Inga lediga tider just nu.", "No free times at the moment."),
    "see_times": ("Visa lediga tider", "Show free times"),
    # Free times
    "step": ("Steg {step} av 3", "Step {step} of 3"),
    "step_what": ("Steg {step} av 3: {what}, {how}", "Step {step} of 3: {what}, {how}"),
    "times_title": ("Välj en tid", "Choose a time"),
    "time_missing": ("Välj en av tiderna", "Choose one of the times"),
    "times_go_on": ("Fortsätt", "Continue"),
    "more_times": ("Visa fler tider", "Show more times"),
    "nearest": ("Närmast den tid du valde", "Nearest to the time that you chose"),
    "all_times": ("Alla lediga tider", "All free times"),
    "kept": ("Det du skrev finns kvar.", "What you wrote is kept."),
    "other_ways": ("Passar det bättre på ett annat sätt?", "Would another way suit you better?"),
    "no_times_title": ("Inga lediga tider just nu", "No free times at the moment"),
    "no_times": (
        "Nya tider läggs till varje dag, och andra familjer avbokar ibland. Titta gärna in igen i morgon, eller ring.",
        "New times are added every day, and other families sometimes cancel. Look in again tomorrow, or call.",
    ),
}
