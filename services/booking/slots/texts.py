"""What the pages of the catalogue and of free times say, in Swedish and in English, and what all of booking's say."""

from kit.web.pages import Texts

TEXTS: Texts = {
    # Every page
    "site": ("Föräldrastöd", "Parent support"),
    "rather_call": ("Vill du hellre ringa?", "Would you rather call?"),
    "call_us": ("Ring oss gärna:", "You are welcome to call us:"),
    "concern": ("Är du orolig för ett barn?", "Are you worried about a child?"),
    "concern_link": ("Gör en orosanmälan i {town}", "Make a report of concern in {town} (in Swedish)"),
    "concern_title": ("Gör en orosanmälan", "Make a report of concern"),
    "concern_lead": (
        "Orosanmälan görs till socialtjänsten i kommunen där barnet bor. Välj kommun. Ring 112 om det är akut.",
        "A report is made to the social services where the child lives, in Swedish. Call 112 in an emergency.",
    ),
    "danger": (
        "Ring 112 om det är bråttom eller någon är i fara.",
        "Call 112 if it is urgent or somebody is in danger.",
    ),
    "accessibility": ("Tillgänglighet", "Accessibility"),
    "data_title": ("Så hanterar vi dina uppgifter", "How we handle your details"),
    "data_controller": ("Den nämnd i {town} som ger stödet", "The board in {town} that gives the support"),
    # Before anything is kept: who is responsible (whose name comes before), why, for how long.
    "data_short": (
        (
            "ansvarar för det du skriver här, som vi behöver för att du ska kunna boka och möta en rådgivare. Ditt "
            "namn, ditt nummer och din e-postadress raderas {days} efter ditt sista besök."
        ),
        (
            "is responsible for what you write here, which we need so that you can book and meet an advisor. Your "
            "name, your number and your e-mail address are erased {days} after your last visit."
        ),
    ),
    "data_read_aloud": ("Läs upp för familjen", "Read this aloud to the family"),
    "data_aloud": (
        (
            "ansvarar för det du berättar nu, som vi behöver för att du ska kunna boka och möta en rådgivare. Ditt "
            "namn, ditt nummer och din e-postadress raderas {days} efter ditt sista besök. Du kan få veta vad vi har "
            "sparat, få fel rättade och klaga. Allt om det står på webbplatsen, och jag kan läsa upp det."
        ),
        (
            "is responsible for what you tell me now, which we need so that you can book and meet an advisor. Your "
            "name, your number and your e-mail address are erased {days} after your last visit. You can learn what we "
            "keep, have faults corrected and complain. All about it is on the site, and I can read it to you."
        ),
    ),
    "one_day": ("{days} dag", "{days} day"),
    "days": ("{days} dagar", "{days} days"),
    "back": ("Tillbaka", "Back"),
    "video": ("video", "video"),
    "phone": ("telefon", "phone"),
    "visit": ("besök", "visit"),
    # For staff who look for a time
    "from_day": ("Tider från och med", "Times from"),
    "from_day_show": ("Visa", "Show"),
    "from_day_wrong": ("Skriv en dag, till exempel 2026-03-02", "Write a day, such as 2026-03-02"),
    "in_one_week": ("Om 1 vecka", "In 1 week"),
    "in_weeks": ("Om {weeks} veckor", "In {weeks} weeks"),
    "no_times_from": (
        "Från {day} och framåt finns inga lediga tider som går att boka än.",
        "From {day} on there are no free times that can be booked yet.",
    ),
    "why_link": ("Varför erbjuds inte en viss tid?", "Why is a certain time not offered?"),
    # The start page
    "start_title": ("Prata med någon om livet som förälder", "Talk with somebody about life as a parent"),
    "start_lead": (
        "Här bokar du själv ett samtal med en rådgivare. Det är gratis, och du behöver inget konto.",
        "Here you book a talk with an advisor yourself. It is free of charge, and you need no account.",
    ),
    "mine_already": ("Har du redan bokat?", "Have you booked already?"),
    "mine_link": ("Visa mina bokningar", "Show my bookings"),
    "start_choose": ("Var bor du?", "Where do you live?"),
    "start_none": (
        "Ingen kommun tar emot bokningar här just nu. Titta gärna in igen senare.",
        "No municipality takes bookings here at the moment. Please look in again later.",
    ),
    # The accessibility statement
    "accessibility_lead": (
        "Alla ska kunna boka ett samtal här. Här står vad som fungerar, vad som brister och vart du vänder dig.",
        "Everybody should be able to book a talk here. Here is what works, what falls short and whom to turn to.",
    ),
    "accessibility_how_good": ("Hur tillgänglig är webbplatsen?", "How accessible is this site?"),
    "accessibility_partly": (
        (
            "Lagen (2018:1937) om tillgänglighet till digital offentlig service kräver att webbplatsen följer WCAG "
            "2.1 på nivå AA, så som standarden EN 301 549 beskriver. Vi bedömer att den följer kraven delvis: vi "
            "känner inte till något som bryter mot dem, men ingen utomstående har granskat den."
        ),
        (
            "The Swedish act on accessibility to digital public services (2018:1937) asks the site to meet WCAG 2.1 "
            "at level AA, as the standard EN 301 549 describes. We consider that it meets the requirements in part: "
            "we know of nothing that breaks them, but nobody from outside has examined it."
        ),
    ),
    "accessibility_known": ("Vad som brister", "What falls short"),
    "accessibility_known_1": (
        "Webbplatsen är inte provad av människor som använder skärmläsare, förstoring eller talstyrning till vardags.",
        "The site has not been tried by people who use screen readers, magnifiers or voice control every day.",
    ),
    "accessibility_known_2": (
        (
            "En tid hålls åt dig i tio minuter. Varje ny sida förlänger det, till högst en halvtimme. Är tiden fri "
            "sedan tar vi den åt dig igen, annars får du välja en ny. Det du har skrivit finns kvar."
        ),
        (
            "A time is kept for you for ten minutes. Each new page makes that longer, up to half an hour. If the "
            "time is free after that we take it for you again, else you choose another. What you have written stays."
        ),
    ),
    "accessibility_known_3": (
        "Det finns inga texter på lättläst svenska, på teckenspråk eller på andra språk än svenska och engelska.",
        "There are no texts in easy-to-read Swedish, in sign language or in other languages than Swedish and English.",
    ),
    "accessibility_known_4": (
        "Mejl, sms och kalenderfiler är inte provade med hjälpmedel. Vad de säger står också på bokningens sida.",
        (
            "Mail, text messages and calendar files have not been tried with assistive technology. What they say is "
            "on the page of the booking too."
        ),
    ),
    "accessibility_known_5": (
        "Videosamtal och sidor för orosanmälan ligger på andra webbplatser, som vi inte har granskat.",
        "Video calls and pages for reports of concern are on other sites, which we have not examined.",
    ),
    "accessibility_tell": ("Säg till om något inte fungerar", "Tell us if something does not work"),
    "accessibility_tell_us": (
        "Berätta vad du ville göra och vad som hände. Du behöver inte säga vem du är.",
        "Tell us what you wanted to do and what happened. You need not say who you are.",
    ),
    "accessibility_email": ("E-post:", "E-mail:"),
    "accessibility_phone": ("Telefon:", "Telephone:"),
    "accessibility_other_way": (
        "Du kan alltid boka genom att ringa din kommun i stället. Numret står längst ner på kommunens sidor.",
        "You can always book by calling your municipality instead. The number is at the foot of its pages.",
    ),
    "accessibility_authority": ("Om vårt svar inte räcker", "If our answer is not enough"),
    "accessibility_digg": (
        "Myndigheten för digital förvaltning, Digg, ser till att lagen följs. Du kan anmäla brister till dem.",
        "The Agency for Digital Government, Digg, sees to it that the act is followed. You can report faults to them.",
    ),
    "accessibility_digg_link": ("Anmäl till Digg", "Report to Digg (in Swedish)"),
    "accessibility_tested": ("Hur vi har provat", "How we have tested"),
    "accessibility_tested_how": (
        (
            "Vi har provat själva. Ett program, axe, letar efter fel på varje sida i en riktig webbläsare, på smal "
            "och bred skärm, i ljust och mörkt läge, på båda språken. Vi provar också utan skript och med text som "
            "är mer än dubbelt så stor."
        ),
        (
            "We have tested it ourselves. A program, axe, looks for faults on each page in a real browser, on a "
            "narrow and a wide screen, in light and dark, in both languages. We also test without scripts and with "
            "text more than twice as large."
        ),
    ),
    "accessibility_date": ("Skrivet den 22 november 2026.", "Written on 22 November 2026."),
    # What a municipality offers
    "other_town": ("Välj en annan kommun", "Choose another municipality"),
    "catalogue_title": ("Stöd till föräldrar i {town}", "Support for parents in {town}"),
    "catalogue_book": ("Boka ett samtal", "Book a talk"),
    "catalogue_none": ("Här finns inget att boka just nu.", "There is nothing to book here at the moment."),
    "catalogue_not_offered": (
        "Det du sökte går inte att boka här, eller inte längre. Här är det som finns. Du kan också ringa oss:",
        "What you looked for cannot be booked here, or no longer. This is what there is. You can also call us:",
    ),
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
    "more_open": ("Fler tider öppnar {day}.", "More times open on {day}."),
    "nearest": ("Närmast den tid du valde", "Nearest to the time that you chose"),
    "places": ("Hit kan du komma:", "You can come to:"),
    "map": ("Karta", "Map"),
    "map_of": ("till {place}", "of {place}"),
    "all_times": ("Alla lediga tider", "All free times"),
    "in_town": ("I {town}", "In {town}"),
    "elsewhere": ("I andra kommuner", "In other municipalities"),
    "kept": ("Det du skrev finns kvar.", "What you wrote is kept."),
    "other_ways": ("Passar det bättre på ett annat sätt?", "Would another way suit you better?"),
    "no_times_title": ("Inga lediga tider just nu", "No free times at the moment"),
    "no_times": (
        "Nya tider läggs till varje dag, och andra familjer avbokar ibland. Titta gärna in igen i morgon, eller ring.",
        "New times are added every day, and other families sometimes cancel. Look in again tomorrow, or call.",
    ),
}
