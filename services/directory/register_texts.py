"""What the pages of the register say. `f_` is what a field is called, `h_` what helps to fill it in, `o_` a choice."""

from kit.web.pages import Texts

TEXTS: Texts = {
    "register": ("Katalog", "Register"),
    "register_lead": (
        "Det som du ansvarar för. Det du ändrar syns i bokningen inom några sekunder.",
        "What you answer for. What you change is seen by those who book within seconds.",
    ),
    "my_units": ("Dina verksamheter", "Your units"),
    "all_units": ("Du ansvarar för hela installationen.", "You answer for the whole installation."),
    "attend": ("Att se till", "To attend to"),
    "attend_none": ("Inget just nu.", "Nothing at the moment."),
    "contents": ("Innehåll", "Contents"),
    "more": ("Mer", "More"),
    "to_history": ("Vem ändrade vad, och när", "Who changed what, and when"),
    "to_file": ("Importera och exportera", "Import and export"),
    "proposals": ("Förslag", "Proposals"),
    "proposals_lead": (
        "Det som rör flera kommuner eller verksamheter gäller först när var och en har sagt ja.",
        "What concerns several municipalities or units holds only once each of them has said yes.",
    ),
    "proposals_waiting": ("Väntar på svar", "Waiting for an answer"),
    "proposals_decided": ("Avgjorda de senaste 30 dagarna", "Decided in the last 30 days"),
    "proposals_none": ("Inga förslag.", "No proposals."),
    "shared_with": ("Rör också {parties}", "Concerns {parties} too"),
    "shared_with_lead": (
        "Det du ändrar av det gemensamma, eller av deras, gäller när de har sagt ja. Ditt eget tar du tillbaka direkt.",
        "What you change of what is shared, or theirs, holds once they have said yes. Your own you take back at once.",
    ),
    "proposal": ("Förslag: {kind} {name}", "Proposal: {kind} {name}"),
    "proposal_by": ("Föreslaget av", "Proposed by"),
    "proposal_state": ("Läge", "State"),
    "proposal_missing": ("Väntar på ja från", "Waits for the yes of"),
    "proposal_answers": ("Svar", "Answers"),
    "proposal_no_answers": ("Ingen har svarat än.", "Nobody has answered yet."),
    "proposal_what": ("Så skulle det bli", "What it would come to"),
    "proposal_new": ("Det finns inte i dag: allt är nytt.", "It is not there today: all of it is new."),
    "proposal_as_it_is": ("Så är det nu", "As it is now"),
    "proposal_yours": ("Ditt svar", "Your answer"),
    "proposal_yours_for": ("Du svarar för {parties}.", "You answer for {parties}."),
    "proposal_reason": ("Varför svarar du i deras ställe?", "Why do you answer in their place?"),
    "proposal_reason_hint": (
        "Ingen samordnar den verksamheten. Det du skriver står i historiken.",
        "Nobody coordinates that unit. What you write stands in the history.",
    ),
    "proposal_yes": ("Säg ja", "Say yes"),
    "proposal_no": ("Säg nej", "Say no"),
    "proposal_withdraw": ("Ta tillbaka förslaget", "Withdraw the proposal"),
    "proposal_unfit": ("Det går inte att införa så som registret är nu", "As the register is now, it cannot hold"),
    "proposal_sent": ("Förslaget är skickat", "The proposal has been sent"),
    "proposal_sent_lead": (
        "Inget är ändrat än. Det gäller när alla har sagt ja, och tills dess är allt som förut.",
        "Nothing has changed yet. It holds once everybody has said yes; until then all is as before.",
    ),
    "proposal_answered": ("Svaret är sparat", "The answer is saved"),
    "state_offered": ("väntar på svar", "waits for an answer"),
    "state_in_force": ("gäller", "in force"),
    "state_refused": ("avböjt", "refused"),
    "state_withdrawn": ("taget tillbaka", "withdrawn"),
    "state_overtaken": (
        "gäller inte: någon ändrade samma sak medan det väntade. Föreslå på nytt",
        "void: somebody changed the same thing while it waited. Propose it again",
    ),
    "state_fallen": (
        "gäller inte: den som föreslog det är inte längre samordnare där",
        "void: whoever proposed it no longer coordinates there",
    ),
    "answer_yes": ("{who} sade ja", "{who} said yes"),
    "answer_no": ("{who} sade nej", "{who} said no"),
    "warn_proposal": (
        "{who} föreslår en ändring som behöver ditt svar: {name}.",
        "{who} proposes a change that needs your answer: {name}.",
    ),
    "warn_proposed": (
        "Ditt förslag väntar på andras svar: {name}.",
        "Your proposal waits for the answers of others: {name}.",
    ),
    "warn_refused": ("Ditt förslag avböjdes: {name}.", "Your proposal was refused: {name}."),
    "warn_overtaken": (
        "Ditt förslag gäller inte, för någon ändrade samma sak medan det väntade: {name}.",
        "Your proposal is void, because somebody changed the same thing while it waited: {name}.",
    ),
    "warn_fallen": (
        "Ditt förslag gäller inte, för du är inte längre samordnare där: {name}.",
        "Your proposal is void, because you no longer coordinate there: {name}.",
    ),
    "warn_told": (
        "{who} har ändrat något som rör er: {name}. Det behövde inte ert ja.",
        "{who} has changed something that concerns you: {name}. It did not need your yes.",
    ),
    "warn_not_reached_one": (
        "En familj har inte nåtts av ett meddelande om sin tid.",
        "One family was not reached by a message about its time.",
    ),
    "warn_not_reached": (
        "{count} familjer har inte nåtts av meddelanden om sin tid.",
        "{count} families were not reached by messages about their time.",
    ),
    "warn_offering": (
        "{name}: ingen rådgivare har arbetstid de närmaste {days} dagarna, så inga tider visas.",
        "{name}: no advisor has working hours in the next {days} days, so no times are shown.",
    ),
    "warn_schedule": (
        "Arbetstiden för {name} tar slut {day}, och ingen ny är inlagd.",
        "The working hours of {name} end on {day}, and no new ones are there.",
    ),
    "warn_joint_visit": (
        "{name}: alla rådgivare har inte arbetstid de närmaste {days} dagarna, så de kan inte träffas tillsammans.",
        "{name}: not all advisors have working hours in the next {days} days, so they cannot meet together.",
    ),
    "warn_advisor": (
        "{name} har ingen arbetstid, varken nu eller längre fram.",
        "{name} has no working hours, neither now nor later.",
    ),
    "warn_advisor_later": (
        "{name} har arbetstid först från och med {day}.",
        "{name} has working hours from {day} on, and none before.",
    ),
    "warn_no_offering": (
        "{name} hör inte till någon insats, så ingen familj kan boka.",
        "{name} is not one of any offering's advisors, so no family can book.",
    ),
    "warn_municipality": (
        (
            "{name}: här saknas vem som är personuppgiftsansvarig, eller hur man når dataskyddsombudet. Familjer "
            "hänvisas till kommunens telefon så länge."
        ),
        (
            "{name}: the register does not say who is the controller of personal data, or how to reach the data "
            "protection officer. Families are referred to the municipality's telephone meanwhile."
        ),
    ),
    "warn_pool": ("Avtalet om {name} tar slut {day}.", "The agreement on {name} ends on {day}."),
    "k_municipality": ("Kommun", "Municipality"),
    "k_unit": ("Verksamhet", "Unit"),
    "k_centre": ("Mottagning", "Centre"),
    "k_advisor": ("Rådgivare", "Advisor"),
    "k_pool": ("Samverkan", "Pool"),
    "k_schedule": ("Arbetstid", "Working hours"),
    "k_offering": ("Insats", "Offering"),
    "k_staff": ("Medarbetare", "Member of staff"),
    "p_municipalities": ("Kommuner", "Municipalities"),
    "p_units": ("Verksamheter", "Units"),
    "p_centres": ("Mottagningar", "Centres"),
    "p_advisors": ("Rådgivare", "Advisors"),
    "p_pools": ("Samverkan", "Pools"),
    "p_schedules": ("Arbetstider", "Working hours"),
    "p_offerings": ("Insatser", "Offerings"),
    "p_staff": ("Medarbetare och roller", "Staff and roles"),
    "l_municipalities": ("Som familjer väljer bland när de bokar.", "That families choose among when they book."),
    "l_units": (
        "En gren under en nämnd. Mellan två verksamheter råder sekretess.",
        "A branch under one board. Between two units there is secrecy.",
    ),
    "l_centres": (
        "Platser där familjer tas emot, och som hänvisar dem.",
        "Places where families are met, and that refer them.",
    ),
    "l_advisors": ("De som möter familjer.", "Those who meet families."),
    "l_pools": (
        "Kommuner som delar rådgivare efter avtal.",
        "Municipalities that share advisors under an agreement.",
    ),
    "l_schedules": ("När rådgivarna arbetar, och var.", "When advisors work, and where."),
    "l_offerings": ("Det som kan bokas.", "What can be booked."),
    "l_staff": (
        "De som får logga in, och vad de får göra i vilken verksamhet.",
        "Those who may sign in, and what they may do in which unit.",
    ),
    "add_municipality": ("Lägg till en kommun", "Add a municipality"),
    "add_unit": ("Lägg till en verksamhet", "Add a unit"),
    "add_centre": ("Lägg till en mottagning", "Add a centre"),
    "add_advisor": ("Lägg till en rådgivare", "Add an advisor"),
    "add_pool": ("Lägg till en samverkan", "Add a pool"),
    "add_schedule": ("Lägg till en arbetstid", "Add working hours"),
    "add_offering": ("Lägg till en insats", "Add an offering"),
    "add_staff": ("Lägg till en medarbetare", "Add a member of staff"),
    "list_none": ("Här finns inget än.", "There is nothing here yet."),
    "list_mine": ("Det som du ansvarar för visas.", "What you answer for is shown."),
    "list_all": ("Visa allt", "Show everything"),
    "list_only_mine": ("Visa bara det som du ansvarar för", "Show only what you answer for"),
    "list_ended": ("Visa också det som är avslutat", "Show what has ended too"),
    "ended": ("avslutad", "ended"),
    "to_register": ("Katalog", "Register"),
    "change": ("Ändra", "Change"),
    "saved": ("Sparat.", "Saved."),
    "saved_lead": (
        "Bokningen känner till det inom några sekunder. Det som har en första dag gäller från den dagen.",
        "Booking knows of it within seconds. What has a first day holds from that day on.",
    ),
    "next_hours": ("Nästa: lägg till arbetstid", "Next: add working hours"),
    "next_offerings": ("Nästa: välj insatser", "Next: choose offerings"),
    "unchanged": ("Inget var ändrat.", "Nothing had been changed."),
    "added": ("Tillagt.", "Added."),
    "optional": ("(valfritt)", "(optional)"),
    "save": ("Spara", "Save"),
    "add": ("Lägg till", "Add"),
    "yes": ("ja", "yes"),
    "no": ("nej", "no"),
    "only_read": (
        "Det här hör till en annan verksamhet. Du kan läsa det, men inte ändra.",
        "This belongs to another unit. You can read it, but not change it.",
    ),
    "others_grants": ("Roller i andra verksamheter", "Roles in other units"),
    "others_grants_hint": (
        "Ges och tas bort av samordnarna där.",
        "Given and taken away by the coordinators there.",
    ),
    "not_yours_field": (
        "Ändras av den som ansvarar för alla rollerna.",
        "Changed by whoever answers for all the roles.",
    ),
    "choose": ("Välj", "Choose"),
    "choose_none": ("–", "–"),
    "row": ("Rad {n}", "Row {n}"),
    "row_new": ("Ny rad {n}", "New row {n}"),
    "row_drop": ("Ta bort raden", "Take the row away"),
    "row_more": ("Fler rader: {list}", "More rows: {list}"),
    "sum": ("Tillsammans {total} %. Det ska bli 100 %.", "Together {total} %. It must come to 100 %."),
    "sum_again": ("Räkna ihop", "Add up"),
    "overtaken": ("Någon annan har ändrat under tiden", "Somebody else made a change meanwhile"),
    "overtaken_lead": (
        (
            "Inget är sparat än. Det du skrev står kvar i formuläret. Se vad som ändrades, rätta det som behövs och "
            "spara igen: då gäller det som står i formuläret."
        ),
        (
            "Nothing is saved yet. What you wrote is still in the form. See what was changed, put right what you need "
            "to, and save again: then what the form says holds."
        ),
    ),
    "history": ("Historik", "History"),
    "history_of": ("Historik för {name}", "History of {name}"),
    "history_lead": ("Vem ändrade vad, och när. Det senaste först.", "Who changed what, and when. The latest first."),
    "history_none": ("Här finns inga ändringar.", "There are no changes here."),
    "history_when": ("När", "When"),
    "history_who": ("Vem", "Who"),
    "history_what": ("Vad", "What"),
    "history_added": ("Tillagd", "Added"),
    "history_older": ("Äldre ändringar", "Older changes"),
    "history_same": ("Inget som syns här", "Nothing that is shown here"),
    "history_reason": ("Skäl", "Reason"),
    "history_agreed": ("Alla som det rör har sagt ja", "All whom it concerns have said yes"),
    "history_import": ("Import från kommandoraden", "Import from the command line"),
    "was": ("var", "was"),
    "became": ("blev", "became"),
    "gone": ("Borttaget: ", "Taken away: "),
    "new": ("Nytt: ", "New: "),
    "from_day": ("från {day}", "from {day}"),
    "file": ("Importera och exportera", "Import and export"),
    "file_export": ("Exportera", "Export"),
    "file_export_lead": (
        "En fil i YAML med det som du ansvarar för. Den kan läsas in igen, som den är eller ändrad.",
        "A file in YAML with what you answer for. It can be read in again, as it is or changed.",
    ),
    "file_export_do": ("Hämta filen", "Download the file"),
    "file_import": ("Importera", "Import"),
    "file_import_lead": (
        (
            "Allt i filen tas in, eller inget. Det som filen inte nämner blir som det är. Högst 64 kB åt gången: dela "
            "upp en större fil, eller be driftansvarig läsa in den."
        ),
        (
            "All of the file is taken in, or nothing. What the file does not name stays as it is. At most 64 kB at a "
            "time: divide a larger file, or ask an operator to read it in."
        ),
    ),
    "file_text": ("Filens innehåll", "The contents of the file"),
    "file_text_hint": ("Klistra in det, eller välj en fil nedan.", "Paste it, or choose a file below."),
    "file_choose": ("Eller välj en fil", "Or choose a file"),
    "file_try": ("Pröva utan att spara", "Try without saving"),
    "file_take": ("Importera", "Import"),
    "file_missing": (
        "Filens innehåll: klistra in det, eller välj en fil",
        "The contents: paste them, or choose a file",
    ),
    "file_name": ("fil", "file"),
    "file_faults": ("Inget är importerat. Rätta det här först", "Nothing is imported. Correct this first"),
    "file_line": ("Rad {line}: {message}", "Line {line}: {message}"),
    "file_would": ("Så skulle det bli", "What it would come to"),
    "file_would_lead": ("Inget är sparat än.", "Nothing is saved yet."),
    "file_done": ("Importerat", "Imported"),
    "file_count": (
        "{added} nya, {changed} ändrade, {unchanged} som förut, {proposed} föreslagna",
        "{added} new, {changed} changed, {unchanged} as before, {proposed} proposed",
    ),
    "file_proposed": ("Föreslås, och gäller när andra har sagt ja", "Proposed, in force once others have said yes"),
    "file_added": ("Nytt", "New"),
    "file_changed": ("Ändrat", "Changed"),
    "f_id": ("Id", "Id"),
    "f_municipality_id": ("Kommunkod", "Municipality code"),
    "h_municipality_id": ("SCB:s fyra siffror, till exempel 1266.", "Statistics Sweden's four digits, such as 1266."),
    "h_id": (
        "Små bokstäver, siffror och bindestreck. Lämna tomt, så görs det av namnet. Kan inte ändras sedan.",
        "Small letters, digits and hyphens. Leave it empty, and it is made of the name. Cannot be changed later.",
    ),
    "f_name": ("Namn", "Name"),
    "f_ended": ("Avslutad", "Ended"),
    "h_ended": (
        "Det som är avslutat visas inte och kan inte bokas. Historiken finns kvar.",
        "What has ended is not shown and cannot be booked. Its history stays.",
    ),
    "h_staff_ended": ("Den som är avslutad kan inte logga in.", "Whoever has ended cannot sign in."),
    "f_slug": ("Namn i adresser", "Name in addresses"),
    "h_slug": ("Till exempel horby.", "Such as horby."),
    "f_accent": ("Färg", "Colour"),
    "h_accent": (
        "Till exempel #1f5f3f. Vit text ska gå att läsa på den.",
        "Such as #1f5f3f. White must be readable on it.",
    ),
    "f_concern_url": ("Adress för orosanmälan", "Address for reports of concern"),
    "h_concern_url": ("Börjar med https://", "Begins with https://"),
    "f_phone": ("Telefon", "Telephone"),
    "h_phone": ("Till exempel 0415-37 80 00.", "Such as 0415-37 80 00."),
    "f_personal_data.controller": ("Personuppgiftsansvarig", "Controller of personal data"),
    "h_personal_data.controller": (
        "Som familjer läser det, till exempel Socialnämnden i Hörbys kommun.",
        "As families read it, such as Socialnämnden i Hörbys kommun.",
    ),
    "f_personal_data.organisation_number": ("Organisationsnummer", "Organisation number"),
    "h_personal_data.organisation_number": ("Till exempel 212000-1116.", "Such as 212000-1116."),
    "f_personal_data.email": ("E-post till den ansvariga", "E-mail to the controller"),
    "f_personal_data.officer_email": ("E-post till dataskyddsombudet", "E-mail to the data protection officer"),
    "f_personal_data.officer_phone": ("Telefon till dataskyddsombudet", "Telephone to the data protection officer"),
    "h_personal_data.officer_phone": ("Till exempel 0415-37 80 00.", "Such as 0415-37 80 00."),
    "f_personal_data.purpose.sv": ("Ändamål på svenska", "Purpose in Swedish"),
    "f_personal_data.purpose.en": ("Ändamål på engelska", "Purpose in English"),
    "h_personal_data.purpose.sv": (
        "Varför uppgifterna behövs, i hela meningar. Tomt: för att boka, påminna och mötas.",
        "Why the details are needed, in whole sentences. Empty: to book, remind and meet.",
    ),
    "f_personal_data.ground.sv": ("Rättslig grund på svenska", "Legal ground in Swedish"),
    "f_personal_data.ground.en": ("Rättslig grund på engelska", "Legal ground in English"),
    "h_personal_data.ground.sv": (
        "Med lagrum, i hela meningar. Tomt: uppgift av allmänt intresse, artikel 6.1 e.",
        "With its reference, in whole sentences. Empty: a task of public interest, article 6(1)(e).",
    ),
    "f_personal_data.authority.sv": ("Tillsynsmyndighet på svenska", "Supervisory authority in Swedish"),
    "f_personal_data.authority.en": ("Tillsynsmyndighet på engelska", "Supervisory authority in English"),
    "h_personal_data.authority.sv": (
        "Vart man klagar. Tomt: Integritetsskyddsmyndigheten, IMY.",
        "Where to complain. Empty: the Swedish Authority for Privacy Protection, IMY.",
    ),
    "f_board": ("Nämnd", "Board"),
    "f_municipality": ("Kommun", "Municipality"),
    "f_kind": ("Slag", "Kind"),
    "f_address": ("Adress", "Address"),
    "f_attached_to_family_centre": ("Hör till en familjecentral", "Attached to a family centre"),
    "f_hsa_id": ("HSA-id", "HSA id"),
    "f_profession": ("Yrke", "Profession"),
    "f_unit": ("Verksamhet", "Unit"),
    "f_advisor_unit": ("Anställd i", "Employed in"),
    "f_languages": ("Språk", "Languages"),
    "f_modalities": ("Sätt att mötas", "Ways to meet"),
    "f_advisors": ("Rådgivare", "Advisors"),
    "f_posts": ("Heltidstjänster", "Full-time posts"),
    "h_posts": ("Till exempel 1,5.", "Such as 1.5."),
    "f_shares": ("Andelar i procent", "Shares in percent"),
    "h_shares": ("Lämna tomt för kommuner som inte är med.", "Leave empty for municipalities that take no part."),
    "f_release_days": ("Släpps så många dagar i förväg", "Released so many days ahead"),
    "h_release_days": (
        (
            "0 till 28. En tid längre fram än så kan en kommun bara boka inom sin egen andel. När så många dagar "
            "återstår får alla kommuner i samverkan boka tiden, så att den inte blir stående. Med 7 är allt inom en "
            "vecka öppet för alla; med 0 öppnas en tid för alla först samma dag."
        ),
        (
            "0 to 28. A time further ahead than this can be booked by a municipality only within its own share. When "
            "so many days remain, every municipality of the pool may book it, so that it is not left unused. With 7, "
            "everything within a week is open to all; with 0, a time opens to all on its own day only."
        ),
    ),
    "f_period": ("Andelarna räknas per", "Shares are counted per"),
    "f_notice_days": ("Uppsägningstid (dagar)", "Notice (days)"),
    "h_notice_days": (
        "Med så många dagars varsel får en kommun lämna samverkan utan de andras ja. Tomt: alla ska vara överens.",
        "With so many days of notice a municipality may leave without the yes of the others. Empty: all must agree.",
    ),
    "f_carry_over": ("Oanvänd tid som sparas (procent)", "Unused time that is kept (percent)"),
    "h_carry_over": (
        (
            "0 till 100. Så mycket av en periods andel kan en kommun som mest ta med sig till senare perioder, om den "
            "inte har använt den. Med 0 sparas inget. Med 50, och en andel på 10 timmar i veckan, kan kommunen "
            "som mest ha 5 timmar sparade."
        ),
        (
            "0 to 100. So much of its share of one period can a municipality take along to later periods at most, "
            "where it has not used it. With 0 nothing is kept. With 50, and a share of 10 hours a week, the "
            "municipality can have 5 hours kept at most."
        ),
    ),
    "f_amendments": ("Tilläggsavtal", "Amendments"),
    "h_amendments": (
        (
            "När avtalet ändras: lägg till en rad med dagen då ändringen börjar gälla och alla villkor som gäller från "
            "dess, också de som är som förut. Ändra inte villkoren ovan: de gäller fram till dess. Tider som redan är "
            "bokade rörs aldrig, vilken dag de än ligger."
        ),
        (
            "When the agreement changes: add a row with the day from which the change holds, and all terms that hold "
            "from then on, also those that are as before. Leave the terms above as they are: they hold until then. "
            "What is booked already is never touched, whichever day it is on."
        ),
    ),
    "f_denominators": ("Antal barn", "Number of children"),
    "h_denominators": (
        (
            "Används i statistik per 1 000 barn. Lägg till en rad varje gång en ny siffra finns; de gamla står kvar "
            "så att äldre statistik blir rätt."
        ),
        (
            "For figures per 1,000 children. Add a row whenever there is a new number; the old ones stay so that "
            "older figures remain right."
        ),
    ),
    "f_children": ("Barn", "Children"),
    "f_source": ("Källa", "Source"),
    "f_as_of": ("Räknat den", "Counted on"),
    "f_valid_from": ("Första dagen", "First day"),
    "f_valid_until": ("Sista dagen", "Last day"),
    "h_valid_until": ("Lämna tomt om det inte finns något slut.", "Leave empty where there is no end."),
    "f_advisor": ("Rådgivare", "Advisor"),
    "f_staff_advisor": ("Är rådgivaren", "Is the advisor"),
    "h_staff_advisor": (
        "För den som möter familjer: vems arbetsdagar som är medarbetarens egna.",
        "For whoever meets families: whose working days are this person's own.",
    ),
    "f_weekly": ("Pass varje vecka", "Weekly blocks"),
    "h_weekly": (
        (
            "Ett pass slutar samma dag som det börjar, senast vid midnatt, som skrivs 00:00. Töm en rad, eller kryssa "
            "för Ta bort raden, för att ta bort den."
        ),
        (
            "A block ends on the day on which it starts, at midnight at the latest, which is written 00:00. Empty a "
            "row, or tick Take the row away, to take it away."
        ),
    ),
    "f_exceptions": ("Frånvaro och extra tid", "Leave and extra time"),
    "h_exceptions": (
        (
            "Frånvaro utan klockslag gäller hela dagarna. Klockslag gäller varje dag för sig, om frånvaron inte är "
            "sammanhängande. Redan bokade tider blir kvar."
        ),
        (
            "Leave without times is for whole days. Times are those of each day, unless the leave goes on without a "
            "break. What is booked already stays."
        ),
    ),
    "f_weekday": ("Veckodag", "Weekday"),
    "f_start": ("Börjar", "Starts"),
    "f_end": ("Slutar", "Ends"),
    "f_through": (
        "Sammanhängande, från klockslaget första dagen till klockslaget sista dagen",
        "Without a break, from the time on the first day to the time on the last",
    ),
    "o_through": ("sammanhängande", "without a break"),
    "f_place": ("Plats för besök", "Place for visits"),
    "f_first": ("Från och med", "From"),
    "f_last": ("Till och med", "Until"),
    "f_works_on_holidays": ("Arbetar på helgdagar", "Works on holidays"),
    "f_zone": ("Tidszon", "Time zone"),
    "f_name.sv": ("Namn på svenska", "Name in Swedish"),
    "f_name.en": ("Namn på engelska", "Name in English"),
    "f_summary.sv": ("Kort om insatsen på svenska", "In short, in Swedish"),
    "f_summary.en": ("Kort om insatsen på engelska", "In short, in English"),
    "f_regime": ("Ges", "Given"),
    "f_documentation": ("Dokumentation", "Documentation"),
    "f_offering_unit": ("Svarar för insatsen", "Answers for it"),
    "f_municipalities": ("Kommuner", "Municipalities"),
    "h_municipalities": ("Vars familjer kan boka.", "Whose families can book."),
    "f_units": ("Svarar för familjer i kommunen", "Answers for the families of the municipality"),
    "h_units": (
        "Där det är en annan verksamhet än den som svarar för insatsen.",
        "Where it is another unit than the one that answers for the offering.",
    ),
    "f_ages.first": ("Från ålder", "From age"),
    "f_ages.last": ("Till och med ålder", "To age"),
    "h_ages.first": ("Hela år, 0 till 20.", "Whole years, 0 to 20."),
    "f_ages.expecting": ("Även för den som väntar barn", "For parents-to-be too"),
    "f_duration": ("Längd i minuter", "Length in minutes"),
    "h_duration": ("Jämnt delbart med 5.", "A multiple of 5."),
    "f_buffer_before": ("Förberedelse i minuter", "Preparation in minutes"),
    "f_buffer_after": ("Efterarbete i minuter", "Time afterwards in minutes"),
    "f_starts_every": ("Minuter mellan möjliga starter", "Minutes between possible starts"),
    "f_horizon_days": ("Tider visas så många dagar framåt", "Times are shown so many days ahead"),
    "h_horizon_days": ("1 till 90.", "1 to 90."),
    "f_lead_time_hours": ("Bokas senast så många timmar före", "Booked at the latest so many hours before"),
    "f_cancel_limit_hours": ("Sen avbokning: färre timmar före än", "Late cancellation: fewer hours before than"),
    "h_cancel_limit_hours": (
        "Familjer kan avboka ända tills tiden börjar. Det som är senare än så räknas som sent i siffrorna.",
        "Families can cancel until the time begins. What is later than this counts as late in the figures.",
    ),
    "f_retention_days": ("Familjens uppgifter sparas så många dagar", "A family's details are kept for so many days"),
    "h_retention_days": (
        "Räknat från det sista besöket, sedan raderas de. Tomt: 30 dagar om den är anonym, annars 365.",
        "Counted from the last visit, then they are erased. Empty: 30 days if it is anonymous, otherwise 365.",
    ),
    "f_self_booking": ("Föräldrar bokar själva", "Parents book it themselves"),
    "f_practical.sv": ("Hur man gör, på svenska", "What to do, in Swedish"),
    "f_practical.en": ("Hur man gör, på engelska", "What to do, in English"),
    "h_practical.sv": (
        "När, var och hur. Behövs när föräldrar inte bokar själva.",
        "When, where and how. Needed where parents do not book it themselves.",
    ),
    "f_identity": ("Identitet vid inloggning", "Identity when signing in"),
    "h_identity": (
        "HSA-id, eller det som inloggningstjänsten kallar personen.",
        "HSA id, or what the identity provider calls the person.",
    ),
    "f_grants": ("Roller", "Roles"),
    "h_grants": (
        "Rådgivare, samordnare och granskare gäller en verksamhet, sjuksköterska en mottagning.",
        "Advisor, coordinator and reviewer are held for a unit, nurse for a centre.",
    ),
    "f_role": ("Roll", "Role"),
    "f_scope": ("Gäller", "Held for"),
    "o_bvc": ("BVC", "child-health centre (BVC)"),
    "o_family_centre": ("familjecentral", "family centre"),
    "o_other": ("annan plats", "other place"),
    "o_kurator": ("kurator", "counsellor (kurator)"),
    "o_familjebehandlare": ("familjebehandlare", "family therapist (familjebehandlare)"),
    "o_boendestodjare": ("boendestödjare", "housing support worker (boendestödjare)"),
    "o_foraldraradgivare": ("föräldrarådgivare", "parent advisor (föräldrarådgivare)"),
    "o_video": ("video", "video"),
    "o_phone": ("telefon", "phone"),
    "o_visit": ("besök", "visit"),
    "o_iso_week": ("vecka", "week"),
    "o_four_weeks": ("fyra veckor", "four weeks"),
    "o_leave": ("frånvaro", "leave"),
    "o_extra": ("extra tid", "extra time"),
    "o_conversation": ("samtal", "conversation"),
    "o_course": ("kurs", "course"),
    "o_lecture": ("föreläsning", "lecture"),
    "o_drop_in": ("öppen verksamhet", "drop-in"),
    "o_joint_visit": ("gemensamt besök", "joint visit"),
    "o_universal": ("till alla, utan bedömning", "to everyone, without assessment"),
    "o_assessed": ("efter bedömning", "after assessment"),
    "o_anonymous": ("anonym", "anonymous"),
    "o_minimal": ("minsta möjliga", "minimal"),
    "o_elsewhere": ("i ett annat system", "in another system"),
    "o_monday": ("måndag", "Monday"),
    "o_tuesday": ("tisdag", "Tuesday"),
    "o_wednesday": ("onsdag", "Wednesday"),
    "o_thursday": ("torsdag", "Thursday"),
    "o_friday": ("fredag", "Friday"),
    "o_saturday": ("lördag", "Saturday"),
    "o_sunday": ("söndag", "Sunday"),
    "o_advisor": ("rådgivare", "advisor"),
    "o_coordinator": ("samordnare", "coordinator"),
    "o_reviewer": ("granskare", "reviewer"),
    "o_nurse": ("sjuksköterska", "nurse"),
    "o_operator": ("driftansvarig", "operator"),
}
