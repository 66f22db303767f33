"""What the page on personal data says, in Swedish and in English: article 13 of the GDPR, as the software does it.

What a municipality has written in the register stands in place of `data_controller`, `data_purpose`, `data_ground` and
`data_authority`.
"""

from booking.bookings.texts import TEXTS as BOOKING_TEXTS
from kit.web.pages import Texts

TEXTS: Texts = {
    **BOOKING_TEXTS,
    "data_lead": (
        "Det här gäller när du bokar ett samtal i {town}, här eller på telefon.",
        "This holds when you book a talk in {town}, here or by telephone.",
    ),
    "data_who": ("Vem ansvarar?", "Who is responsible?"),
    "data_is_controller": (
        "är personuppgiftsansvarig för det du lämnar. Så når du den som ansvarar:",
        "is the controller of the personal data that you give. This is how to reach them:",
    ),
    "data_organisation": ("Organisationsnummer:", "Organisation number:"),
    "data_by_phone": ("Telefon:", "Telephone:"),
    "data_by_email": ("E-post:", "E-mail:"),
    "data_officer": (
        "Dataskyddsombudet svarar på frågor om hur uppgifterna hanteras:",
        "The data protection officer answers questions on how the details are handled:",
    ),
    "data_officer_through": (
        "Dataskyddsombudet når du genom kommunen. Ring och fråga:",
        "The data protection officer is reached through the municipality. Call and ask:",
    ),
    "data_why": ("Varför behöver vi dem?", "Why do we need them?"),
    "data_purpose": (
        (
            "För att du ska kunna boka, flytta och avboka en tid, för att bekräfta och påminna, och för att rådgivaren "
            "ska kunna möta dig. Vi gör också statistik av bokningarna, som inte säger vem någon är."
        ),
        (
            "So that you can book, move and cancel a time, so that we can confirm and remind, and so that the advisor "
            "can meet you. We also make statistics of the bookings, which do not say who anybody is."
        ),
    ),
    "data_ground": (
        (
            "Den rättsliga grunden är en uppgift av allmänt intresse: kommunens stöd till föräldrar. Det står i "
            "artikel 6.1 e i EU:s dataskyddsförordning."
        ),
        (
            "The legal ground is a task of public interest: the municipality's support for parents. It is in article "
            "6(1)(e) of the EU's General Data Protection Regulation."
        ),
    ),
    "data_needed": (
        "Du bestämmer själv. Men utan ett namn eller alias, ett sätt att nå dig och barnets ålder kan vi inte boka.",
        "It is up to you. But without a name or an alias, a way to reach you and the child's age we cannot book.",
    ),
    "data_what": ("Vad sparar vi?", "What do we keep?"),
    "data_what_contact": (
        "Ditt namn eller alias, telefonnummer och e-postadress, så långt du har lämnat dem. De sparas krypterade.",
        "Your name or alias, telephone number and e-mail address, as far as you gave them. They are kept encrypted.",
    ),
    "data_what_family": (
        "Språket i våra meddelanden, och om du har skyddade personuppgifter.",
        "The language of our messages, and whether your identity is protected.",
    ),
    "data_what_booking": (
        "Bokningen: vad, när, var och med vem, barnets ålder, om den ändrades eller avbokades och om ni sågs.",
        "The booking: what, when, where, with whom, the child's age, if it was changed or cancelled, and if you met.",
    ),
    "data_what_reads": (
        "Vem i personalen som har läst om dig, och när.",
        "Who of the staff has read about you, and when.",
    ),
    "data_what_address": (
        "Medan du är här: din internetadress i kodad form, så att ingen kan ta alla tider eller fråga för ofta.",
        "While you are here: your internet address in coded form, so that nobody can take all times or ask too often.",
    ),
    "data_what_reserved": (
        "Medan du bokar: vilken tid du har reserverat, i en nödvändig kaka i din webbläsare, högst {minutes} minuter.",
        "While you book: which time you hold, in a necessary cookie in your browser, for {minutes} minutes at most.",
    ),
    "data_what_proof": (
        (
            "När du begär en kod: vem koden gick till, i kodad form, i högst två dygn. Visar du dina bokningar med den"
            " finns en nödvändig kaka i din webbläsare, högst en halvtimme."
        ),
        (
            "When you ask for a code: whom the code went to, in coded form, for two days at most. If you show your"
            " bookings by it, there is a necessary cookie in your browser, for half an hour at most."
        ),
    ),
    "data_what_proved": (
        "Att numret eller adressen har bekräftats med en kod, och när.",
        "That the number or address was confirmed by a code, and when.",
    ),
    "data_what_waits": (
        "När en kod ska visa att numret eller adressen är din: det du skrev, krypterat, i högst två dygn.",
        "When a code is to show that a number or address is yours: what you wrote, encrypted, for two days at most.",
    ),
    "data_elsewhere": (
        "Det som rådgivaren skriver om {offerings} hör till ett annat system. Fråga den som ansvarar om det.",
        "What the advisor writes on {offerings} belongs to another system. Ask whoever is responsible about it.",
    ),
    "data_how_long": ("Hur länge?", "For how long?"),
    "data_how_long_lead": (
        (
            "Ditt namn, ditt nummer och din e-postadress raderas av sig självt, inom ett dygn efter det som står här. "
            "Det räknas från besöket, eller från när det avbokades."
        ),
        (
            "Your name, your number and your e-mail address are erased by themselves, within a day after what is said "
            "here. It counts from the visit, or from when that was cancelled."
        ),
    ),
    "data_how_long_more": (
        (
            "Har du bokat flera gånger gäller det som räcker längst, och medan en tid är bokad raderas inget. I "
            "säkerhetskopior finns nyckeln till uppgifterna kvar i högst {backups} dagar till."
        ),
        (
            "If you have booked several times, what lasts longest holds, and while a time is booked nothing is erased. "
            "Backups hold the key to the details for at most {backups} days more."
        ),
    ),
    "data_left": (
        "Det andra blir kvar, men säger inte längre vem du är.",
        "The rest stays, but says no longer who you are.",
    ),
    "data_seen": ("Vem får se dem?", "Who sees them?"),
    "data_seen_staff": (
        "Personal i de verksamheter som svarar för familjer i {town}: {units}. Varje gång någon läser skrivs det upp.",
        "Staff of the units that answer for families in {town}: {units}. Each time somebody reads, it is noted.",
    ),
    "data_seen_shared": (
        "Rådgivare delas med andra kommuner. Den du möter kan vara anställd där, och läser då för vår räkning.",
        "Advisors are shared with other municipalities. Whom you meet may be employed there, and reads on our behalf.",
    ),
    "data_seen_carriers": (
        (
            "De som förmedlar e-post och sms får din adress eller ditt nummer, och meddelandet. Den som driver "
            "tjänsten åt oss hanterar uppgifterna på vårt uppdrag."
        ),
        (
            "Those who carry e-mail and text messages get your address or your number, and the message. Whoever runs "
            "the service for us handles the details on our instructions."
        ),
    ),
    "data_seen_sites": (
        "Sidorna hämtar inget från andra webbplatser, så ingen sådan får veta att du var här.",
        "The pages fetch nothing from other sites, so none of those learns that you were here.",
    ),
    "data_rights": ("Vad du har rätt till", "What you have a right to"),
    "data_right_see": (
        "Att se och ladda ner det som finns: öppna en bokning och välj ”Vad vi har sparat om dig”, eller ring oss.",
        "To see and download what there is: open a booking and choose “What we keep about you”, or call us.",
    ),
    "data_right_correct": ("Att få det som är fel rättat.", "To have corrected what is wrong."),
    "data_right_erase": (
        "Att få ditt namn, ditt nummer och din e-postadress raderade i förtid. En tid som är bokad avbokas först.",
        "To have your name, number and e-mail address erased before time. A time that is booked is cancelled first.",
    ),
    "data_right_object": (
        "Att invända mot att vi använder dem, eller få användningen begränsad.",
        "To object to our using them, or to have the use restricted.",
    ),
    "data_right_ask": ("Ring oss så hjälper vi dig:", "Call us, and we help you:"),
    "data_right_automatic": (
        "Inga beslut om dig fattas av ett datorprogram.",
        "No decisions about you are made by a computer program.",
    ),
    "data_complain": ("Om du inte är nöjd", "If you are not satisfied"),
    "data_authority": (
        (
            "Du kan klaga hos Integritetsskyddsmyndigheten, IMY: Box 8114, 104 20 Stockholm, telefon 08-657 61 00, "
            "imy@imy.se."
        ),
        (
            "You can complain to the Swedish Authority for Privacy Protection, IMY: Box 8114, SE-104 20 Stockholm, "
            "telephone +46 8 657 61 00, imy@imy.se."
        ),
    ),
    "data_authority_link": ("Till IMY:s webbplats", "To the site of IMY"),
}
