"""What a parent does on the pages, in either language."""

import re
from dataclasses import dataclass

from playwright.async_api import Page, expect

WORDS = {
    "talk": ("Föräldrasamtal", "Parent talk"),
    "see_times": ("Visa lediga tider", "Show free times"),
    "go_on": ("Fortsätt", "Continue"),
    "change_time": ("Byt tid", "Change the time"),
    "book": ("Boka tiden", "Book the time"),
    "booked": ("Din tid är bokad", "Your time is booked"),
    "right": ("Stämmer det här?", "Is this right?"),
    "reach": ("Hur når vi dig?", "How do we reach you?"),
    "number": ("Vilket nummer ska rådgivaren ringa?", "Which number is the advisor to call?"),
    "choose": ("Välj en tid", "Choose a time"),
    "details": ("Vad vi har sparat om dig", "What we keep about you"),
    "move": ("Flytta tiden", "Move the time"),
    "move_there": ("Flytta till den tiden", "Move to that time"),
    "moved": ("Tiden är flyttad.", "The time is moved."),
    "cancel": ("Avboka", "Cancel"),
    "cancel_yes": ("Ja, avboka", "Yes, cancel"),
    "cancelled": ("Din tid är avbokad", "Your booking is cancelled"),
    "mine": ("Visa mina bokningar", "Show my bookings"),
    "send_code": ("Skicka en kod", "Send a code"),
    "write_code": ("Skriv koden", "Write the code"),
    "sent_code": ("Skriv koden som vi har skickat", "Write the code that we have sent"),
    "change_details": ("Ändra uppgifter", "Change your details"),
    "my_bookings": ("Dina bokningar", "Your bookings"),
    "other_number": ("Byt nummer", "Change the number"),
    "stop_showing": ("Sluta visa", "Stop showing"),
    "taken": ("Tiden är inte längre ledig", "The time is no longer free"),
    "kept": ("Det du skrev finns kvar.", "What you wrote is kept."),
    "nearest": ("Närmast den tid du valde", "Nearest to the time that you chose"),
}


@dataclass
class Parent:
    """`language` is `sv` or `en`."""

    page: Page
    language: str = "sv"

    def word(self, key: str) -> str:
        return WORDS[key][0 if self.language == "sv" else 1]

    @property
    def prefix(self) -> str:
        return "" if self.language == "sv" else "/en"

    async def press(self, key: str) -> None:
        await self.page.get_by_role("button", name=self.word(key), exact=True).click()

    async def follow(self, key: str) -> None:
        await self.page.get_by_role("link", name=self.word(key), exact=True).click()

    async def sees(self, key: str) -> None:
        """The heading of the page."""
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(self.word(key))

    async def come_to_times(self, modality: str = "video") -> None:
        await self.page.goto(f"{self.prefix}/")
        await self.page.get_by_role("link", name="Hörby", exact=True).click()
        await self.follow("talk")
        await self.page.locator(f"input[value={modality}]").check()
        await self.press("see_times")
        await self.sees("choose")

    async def choose(self, number: int = 0, button: str = "go_on") -> str:
        """Choose the time with this number in the list; its full name."""
        radio = self.page.get_by_role("radio").nth(number)
        await radio.check()
        name = await self.page.locator("label.option").nth(number).text_content()
        await self.press(button)
        return re.sub(r"\s+", " ", name or "").strip()

    async def write(self, *, name: str = "Kim", phone: str = "070-123 45 67", child: str = "2") -> None:
        await self.sees("reach")
        await self.page.locator("#namn").fill(name)
        await self.page.locator("#telefon").fill(phone)
        await self.page.locator("#barn").select_option(child)

    async def come_to_check(self, modality: str = "video", number: int = 0) -> str:
        await self.come_to_times(modality)
        chosen = await self.choose(number)
        await self.write()
        await self.press("go_on")
        await self.sees("right")
        return chosen

    async def slot(self) -> str:
        """The id of the time that the page's form is about, or of the first one that it lists."""
        return await self.page.locator("input[name=tid]").first.get_attribute("value") or ""

    async def book(self) -> None:
        await self.press("book")
        await self.sees("booked")

    async def fact(self, number: int) -> str:
        """One of the facts on the page, in order."""
        text = await self.page.locator("dl.facts dd").nth(number).text_content()
        return re.sub(r"\s+", " ", text or "").strip()
