"""What staff are told of messages, in Swedish and in English."""

from kit.web.pages import Texts

TEXTS: Texts = {
    "messages_none": ("Inga meddelanden är planerade.", "No messages are planned."),
    "messages_soon": (
        "Vilka meddelanden som skickas står här om en stund. Ladda om sidan då.",
        "Which messages are sent stands here in a moment. Load the page again then.",
    ),
    "message_confirmation": ("Bekräftelse", "Confirmation"),
    "message_change": ("Besked om ny tid", "News of the new time"),
    "message_cancellation": ("Besked om avbokning", "News of the cancellation"),
    "message_reminder_5d": ("Påminnelse fem dagar före", "Reminder five days before"),
    "message_reminder_24h": ("Påminnelse ett dygn före", "Reminder a day before"),
    "by_email": ("med e-post", "by e-mail"),
    "by_sms": ("med sms", "by text message"),
    "message_sent": ("skickades {when} {way}", "sent {when} {way}"),
    "message_due": ("skickas {when}", "goes out {when}"),
    "message_failing": ("inte framme än: {why}. Nytt försök {when}", "not there yet: {why}. Next try {when}"),
    "message_dead": ("nådde inte familjen: {why}", "did not reach the family: {why}"),
    "message_dropped": ("skickades inte: {why}", "was not sent: {why}"),
    "code_superseded": ("bokningen ändrades", "the booking was changed"),
    "code_not_confirmed": ("tiden var inte bokad längre", "the time was no longer booked"),
    "code_too_late": ("det var för sent", "it was too late"),
    "code_erased": ("familjens uppgifter är raderade", "the family's details are erased"),
    "code_no_address": ("familjen har varken nummer eller e-post", "the family has neither number nor e-mail"),
    "code_no_mailable_address": ("det går inte att mejla till adressen", "the address cannot be mailed"),
    "code_no_sms_to_number": ("numret kan inte ta emot sms", "the number cannot get text messages"),
    "code_no_answer": ("bokningen svarade inte", "booking did not answer"),
    "code_smtp": ("mejlservern tog inte emot det ({code})", "the mail server did not take it ({code})"),
    "code_sms": ("sms-tjänsten tog inte emot det ({code})", "the SMS service did not take it ({code})"),
    "code_smtp_address": (
        "mejlservern tog inte emot det ({code}), stämmer adressen?",
        "the mail server did not take it ({code}), is the address right?",
    ),
    "code_sms_number": (
        "sms-tjänsten tog inte emot det ({code}), stämmer numret?",
        "the SMS service did not take it ({code}), is the number right?",
    ),
    "code_other": ("ett fel hos oss ({code})", "a fault of ours ({code})"),
    "message_again": ("Skicka igen", "Send again"),
    "unreached": ("Familjen har inte nåtts", "The family was not reached"),
    "open_booking": ("Öppna bokningen", "Open the booking"),
    "unreached_title": ("Familjer som inte har nåtts", "Families that were not reached"),
    "unreached_lead": (
        "Ett meddelande om tiden kom inte fram. Kontakta familjen på annat sätt, eller skicka igen när det är rättat.",
        "A message about the time did not arrive. Get in touch in another way, or send it again once it is put right.",
    ),
    "unreached_none": ("Alla som du får se har nåtts.", "All whom you may see were reached."),
    "unreached_protected": (
        "En familj med skyddade uppgifter ser bara den som är namngiven för den.",
        "A family of protected identity is seen only by whoever was named to it.",
    ),
    "unreached_handled": ("Familjen vet", "The family knows"),
    "news_again": ("Meddelandet skickas igen.", "The message is sent again."),
    "news_handled": ("Noterat: familjen vet.", "Noted: the family knows."),
}
