"""What the pages of a booking say, in Swedish and in English, beside what those of free times say."""

from booking.slots.texts import TEXTS as SLOT_TEXTS
from kit.web.pages import Texts

TEXTS: Texts = {
    **SLOT_TEXTS,
    # Words that several pages share
    "when": ("När", "When"),
    "what": ("Vad", "What"),
    "with": ("Med", "With"),
    "how": ("Hur", "How"),
    "where": ("Var", "Where"),
    "reference": ("Bokningsnummer", "Reference"),
    "video_call": ("Videosamtal", "Video call"),
    "phone_call": ("Telefonsamtal", "Phone call"),
    "visit_call": ("Besök", "Visit"),
    # What the parent writes
    "contact_title": ("Hur når vi dig?", "How do we reach you?"),
    "held_for_you": (
        "Vi håller tiden åt dig medan du skriver. Du hinner i lugn och ro.",
        "We keep the time for you while you write. There is no hurry.",
    ),
    "name": ("Förnamn eller alias", "First name or alias"),
    "name_hint": (
        "Du får hitta på ett namn. Skriv inte ditt personnummer.",
        "You may make up a name. Do not write your personal number.",
    ),
    "protected_call": (
        "Har du skyddade personuppgifter? Boka inte här, utan ring oss:",
        "Is your identity protected? Do not book here, but call us:",
    ),
    "name_missing": ("Skriv ett namn, det får vara ett alias", "Write a name, an alias will do"),
    "reach": ("Telefon eller e-post", "Telephone or e-mail"),
    "reach_hint": (
        "Ett av dem räcker. Dit skickar vi bekräftelsen och en påminnelse.",
        "One of them is enough. We send the confirmation and a reminder there.",
    ),
    "reach_hint_phone": (
        "Skriv det nummer som rådgivaren ska ringa. E-post behövs inte.",
        "Write the number that the advisor is to call. No e-mail is needed.",
    ),
    "reach_phone": ("Telefon, och e-post om du vill", "Telephone, and e-mail if you like"),
    "number_title": ("Vilket nummer ska rådgivaren ringa?", "Which number is the advisor to call?"),
    "number_hint": ("Vi har inget telefonnummer till dig än.", "We have no telephone number of yours yet."),
    "staff_number_hint": (
        "Familjen har inte lämnat något nummer än. Det sparas hos familjen.",
        "The family has given no number yet. It is kept with the family.",
    ),
    "telephone": ("Telefonnummer", "Telephone number"),
    "email": ("E-postadress", "E-mail address"),
    "message_language": ("Språk i våra meddelanden", "Language of our messages"),
    "swedish": ("Svenska", "Swedish (svenska)"),
    "english": ("Engelska (English)", "English"),
    "child": ("Barnets ålder", "The child's age"),
    "child_hint": (
        "Har du flera barn? Välj det som du mest vill prata om.",
        "Several children? Choose the one that you most want to talk about.",
    ),
    "child_missing": ("Välj barnets ålder", "Choose the child's age"),
    "child_choose": ("Välj", "Choose"),
    "expecting": ("Vi väntar barn", "We are expecting a child"),
    "under_one": ("Under 1 år", "Under 1 year"),
    "one_year": ("1 år", "1 year"),
    "years": ("{years} år", "{years} years"),
    "to_check": ("Fortsätt", "Continue"),
    "change_time": ("Byt tid", "Change the time"),
    # The last look
    "check_title": ("Stämmer det här?", "Is this right?"),
    "the_time": ("Tiden", "The time"),
    "about_you": ("Dina uppgifter", "Your details"),
    "change": ("Ändra", "Change"),
    "your_details": ("uppgifter", "your details"),
    "book": ("Boka tiden", "Book the time"),
    # A code, where unusually many book
    "proof_title": ("Skriv koden som vi har skickat", "Write the code that we have sent"),
    "proof_lead_email": (
        "Just nu bokas ovanligt många tider. Därför har vi mejlat en kod till {contact}. Den gäller i tio minuter.",
        "Unusually many times are being booked, so we have e-mailed a code to {contact}. It is valid for ten minutes.",
    ),
    "proof_lead_sms": (
        "Just nu bokas ovanligt många tider. Därför har vi skickat en kod till {contact}. Den gäller i tio minuter.",
        "Unusually many times are being booked, so we have sent a code to {contact}. It is valid for ten minutes.",
    ),
    "proof_held": ("Tiden är reserverad medan du skriver koden.", "The time is held while you write the code."),
    "proof_code": ("Kod med sex siffror", "Code of six digits"),
    "proof_code_missing": ("Skriv koden", "Write the code"),
    "proof_renewed": (
        "Den förra koden gäller inte längre. Vi har skickat en ny.",
        "The former code is no longer valid. We have sent a new one.",
    ),
    "proof_none": ("Kommer ingen kod?", "No code?"),
    "proof_none_lead_email": (
        "Titta i skräpposten, och se efter att adressen stämmer.",
        "Look in your spam folder, and see that the address is right.",
    ),
    "proof_none_lead_sms": ("Se efter att numret stämmer.", "See that the number is right."),
    "proof_again": ("Skicka en ny kod", "Send a new code"),
    "book_note": (
        "Du kan flytta eller avboka tiden efteråt.",
        "You can move or cancel the time afterwards.",
    ),
    "no_sms": (
        "Numret kan inte ta emot sms. Bekräftelse och påminnelse kommer med e-post.",
        "Your number cannot get text messages. Confirmation and reminder come by e-mail.",
    ),
    "no_messages": (
        "Numret kan inte ta emot sms, så du får ingen bekräftelse. Vill du ha en: ändra till mobilnummer eller e-post.",
        "Your number cannot get text messages, so no confirmation comes. To get one, write a mobile number or e-mail.",
    ),
    # The address of a time that is not kept any more
    "again_title": ("Vill du ha den här tiden?", "Do you want this time?"),
    "again": ("Den är inte reserverad åt dig just nu.", "It is not kept for you at the moment."),
    "again_take": ("Reservera tiden", "Keep the time for me"),
    "again_others": ("Se alla lediga tider", "See all free times"),
    # A time that was booked already
    "already_title": ("Du har redan bokat den här tiden", "You have booked this time already"),
    "already": (
        "Länken till din bokning står i bekräftelsen. Har du inte fått någon hjälper vi dig.",
        "The link to your booking is in the confirmation. If you have got none, we will help you.",
    ),
    "book_other": ("Boka något annat", "Book something else"),
    "book_another": ("Boka en annan tid", "Book another time"),
    # The booking
    "booked_title": ("Din tid är bokad", "Your time is booked"),
    "welcome": ("Välkommen! Det här gäller:", "Welcome! This is your booking:"),
    "past_title": ("Din tid har varit", "Your time has passed"),
    "cancelled_title": ("Din tid är avbokad", "Your booking is cancelled"),
    "cancelled": (
        "Du är välkommen att boka en ny tid när det passar dig.",
        "You are welcome to book a new time whenever it suits you.",
    ),
    "book_anew": ("Boka en ny tid", "Book a new time"),
    "book_same": ("Boka hos {advisor} igen", "Book with {advisor} again"),
    "news_flyttad": ("Tiden är flyttad. Det här är din nya tid.", "The time is moved. This is your new time."),
    "news_redan": (
        "Tiden var redan bokad. Har du ändrat något efteråt är det inte sparat: ring oss i så fall.",
        "The time was booked already. What you may have changed afterwards is not stored: call us if so.",
    ),
    "untold": (
        "Vi kan inte skicka något till ditt nummer. Spara länken här nedanför, eller skriv upp bokningsnumret.",
        "We cannot send anything to your number. Save the link below, or write down the reference.",
    ),
    "video_next": (
        "Rådgivaren hör av sig med hur du ansluter till videosamtalet.",
        "The advisor gets in touch about how to join the video call.",
    ),
    "phone_next": (
        "Rådgivaren ringer dig på det nummer du lämnade.",
        "The advisor calls you on the number that you gave.",
    ),
    "visit_next": ("Välkommen till adressen här ovanför.", "Welcome to the address above."),
    "message_next": (
        "Vi skickar en bekräftelse, och påminner dig när tiden närmar sig.",
        "We send a confirmation, and remind you when the time comes near.",
    ),
    "message_next_soon": ("Vi skickar en bekräftelse.", "We send a confirmation."),
    "next_title": ("Vad händer nu?", "What happens now?"),
    "calendar": ("Lägg till i kalendern", "Add to your calendar"),
    "change_title": ("Behöver du ändra något?", "Do you need to change something?"),
    "move": ("Flytta tiden", "Move the time"),
    "cancel": ("Avboka", "Cancel"),
    "save_link": (
        "Spara länken till den här sidan. Den är din nyckel till bokningen, så ge den inte till andra:",
        "Save the link to this page. It is your key to the booking, so do not give it to others:",
    ),
    "questions": ("Frågor? Ring", "Questions? Call"),
    # What is kept about the family
    "details_link": ("Vad vi har sparat om dig", "What we keep about you"),
    "details_title": ("Det här har vi sparat om dig", "This is what we keep about you"),
    "details_lead": (
        "Bara du som har länken till bokningen ser sidan. Stäng den när du är klar om fler använder skärmen.",
        "Only you who have the link to the booking see this page. Close it afterwards if others use the screen.",
    ),
    "details_contact": ("Så når vi dig", "How we reach you"),
    "details_since": ("Sparat sedan", "Kept since"),
    "details_erased": (
        "Ditt namn och hur vi når dig raderades {when}. De går inte att få tillbaka.",
        "Your name and how to reach you were erased on {when}. They cannot be brought back.",
    ),
    "details_unreadable": (
        "Ditt namn och hur vi når dig går inte att läsa nu. Ring oss om du behöver veta mer.",
        "Your name and how to reach you cannot be read now. Call us if you need to know more.",
    ),
    "details_erased_after": ("Namn, nummer och e-postadress raderas", "Name, number and e-mail address are erased"),
    "details_after": ("{days} efter besöket eller avbokningen", "{days} after the visit or its cancellation"),
    "details_bookings": ("Din bokning", "Your booking"),
    "details_others": (
        "Har du bokat fler tider har varje tid sin egen länk.",
        "If you have booked more times, each has a link of its own.",
    ),
    "details_status": ("Läge", "Status"),
    "details_booked": ("Bokningen gjordes", "The booking was made"),
    "details_town": ("Din kommun", "Your municipality"),
    "status_confirmed": ("Bokad", "Booked"),
    "status_fulfilled": ("Ni har setts", "You have met"),
    "status_no_show": ("Uteblivet besök", "Missed"),
    "status_cancelled": ("Avbokad", "Cancelled"),
    "details_reads": ("Vem som har läst", "Who has read it"),
    "details_reads_lead": (
        "Varje gång någon i personalen läser om dig skrivs det upp. Här står det som gäller den här bokningen.",
        "Each time a member of staff reads about you it is noted. Here is what concerns this booking.",
    ),
    "details_no_reads": (
        "Ingen i personalen har läst om den här bokningen än.",
        "No member of staff has read about this booking yet.",
    ),
    "reader_advisor": ("rådgivare", "advisor"),
    "reader_coordinator": ("samordnare", "coordinator"),
    "reader_nurse": ("sjuksköterska", "nurse"),
    "reader_reviewer": ("granskare", "reviewer"),
    "reader_operator": ("driftansvarig", "operator"),
    "details_else": ("Annat", "Other things"),
    "details_messages": (
        (
            "Om varje bokning sparar vi vilka meddelanden vi skickat, när och om de gick iväg, men inte vad som stod "
            "eller vart de gick."
        ),
        (
            "For each booking we also keep which messages we sent, when, and whether they left, but not what they said "
            "nor where they went."
        ),
    ),
    "details_not_kept": (
        "Vi sparar inget personnummer, ingen anledning till samtalet och inga anteckningar från det.",
        "We keep no personal number, no reason for the talk and no notes from it.",
    ),
    "details_download": ("Ladda ner som fil (JSON)", "Download as a file (JSON)"),
    "details_back": ("Till bokningen", "To the booking"),
    "mine_all": ("Visa alla mina bokningar", "Show all my bookings"),
    # Moving
    "move_title": ("Välj en ny tid", "Choose a new time"),
    "move_from": ("Nu: {when}", "Now: {when}"),
    "move_button": ("Flytta till den tiden", "Move to that time"),
    # Cancelling
    "cancel_title": ("Vill du avboka tiden?", "Do you want to cancel the time?"),
    "cancel_lead": (
        "Tiden kan gå till en annan familj. Du kan boka en ny när du vill.",
        "The time can go to another family. You can book a new one whenever you like.",
    ),
    "cancel_yes": ("Ja, avboka", "Yes, cancel"),
    "cancel_no": ("Nej, behåll tiden", "No, keep the time"),
}
