"""What the pages of proofs say, in Swedish and in English, beside what those of bookings say."""

from kit.web.pages import Texts

TEXTS: Texts = {
    "ask_title": ("Visa mina bokningar", "Show my bookings"),
    "ask_lead": (
        "Skriv numret eller adressen som du bokade med. Du får en kod dit, och med den visar vi bokningarna här.",
        "Write the number or address that you booked with. You get a code there, and with it we show the bookings.",
    ),
    "ask_contact": ("Mobilnummer eller e-postadress", "Mobile number or e-mail address"),
    "contact_missing": ("Skriv ett mobilnummer eller en e-postadress", "Write a mobile number or an e-mail address"),
    "ask_send": ("Skicka en kod", "Send a code"),
    "ask_kept": (
        "Vi sparar i högst två dygn att en kod begärdes, i kodad form. Det du skriver sparas inte.",
        "For two days at most we keep that a code was asked for, in coded form. What you write is not kept.",
    ),
    "ask_ended": (
        "Bokningarna visas inte längre i den här webbläsaren.",
        "The bookings are no longer shown in this browser.",
    ),
    "code_title": ("Skriv koden", "Write the code"),
    "code_lead": (
        "Har någon bokat med {contact} kommer en kod dit inom någon minut. Den gäller i tio minuter.",
        "If somebody has booked with {contact}, a code gets there within a minute or so. It is valid for ten minutes.",
    ),
    "code": ("Kod med sex siffror", "Code of six digits"),
    "code_none": ("Kommer ingen kod?", "No code?"),
    "code_none_lead": (
        "Du kan ha bokat med ett annat nummer eller en annan adress.",
        "You may have booked with another number or address.",
    ),
    "code_spam": ("Titta också i skräpposten.", "Look in your spam folder too."),
    "code_again": ("Skicka en ny kod", "Send a new code"),
    "code_other": ("Skriv ett annat nummer eller en annan adress", "Write another number or address"),
    "mine_title": ("Dina bokningar", "Your bookings"),
    "mine_lead_sms": (
        "Det här är bokat med ditt nummer. Välj en bokning för att flytta eller avboka den.",
        "This is booked with your number. Choose a booking to move or cancel it.",
    ),
    "mine_lead_email": (
        "Det här är bokat med din adress. Välj en bokning för att flytta eller avboka den.",
        "This is booked with your address. Choose a booking to move or cancel it.",
    ),
    "mine_none": ("Inga tider är bokade.", "No times are booked."),
    "mine_past": ("Tidigare och avbokat", "Earlier and cancelled"),
    "mine_shared": (
        "Bokningarna visas här i högst en halvtimme. Använder fler skärmen, sluta visa dem när du är klar.",
        "The bookings are shown here for half an hour at most. If others use the screen, stop showing them afterwards.",
    ),
    "change_title_sms": ("Byt nummer", "Change the number"),
    "change_title_email": ("Byt e-postadress", "Change the e-mail address"),
    "change_lead": (
        "Det nya gäller för alla bokningar här. Du får en kod dit, och vi säger till det gamla att det är bytt.",
        "The new one is for all bookings here. You get a code there, and we tell the old one that it is changed.",
    ),
    "change_sms": ("Nytt mobilnummer", "New mobile number"),
    "change_email": ("Ny e-postadress", "New e-mail address"),
    "change_kept": (
        "Det du skriver sparas krypterat. Bekräftar du det inte raderas det inom två dygn.",
        "What you write is kept encrypted. If you do not confirm it, it is erased within two days.",
    ),
    "change_not": ("Byt inte", "Do not change it"),
    "change_code_lead": (
        "En kod kommer till {contact} inom någon minut. Den gäller i tio minuter. Inget är bytt än.",
        "A code gets to {contact} within a minute or so. It is valid for ten minutes. Nothing is changed yet.",
    ),
    "change_none_lead": ("Kontrollera att det är rätt skrivet.", "Check that it is written right."),
    "change_done": ("Det är bytt, för alla bokningar här.", "It is changed, for all bookings here."),
    "mine_end": ("Sluta visa", "Stop showing"),
}
