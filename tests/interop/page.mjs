// The page that the browser ends on after a sign-in.

import assert from "node:assert/strict";

/** What somebody sees on a page who likes it light or dark: for each of `selectors` its text, and how well it stands
 * out, as WCAG 2 counts contrast. `brightness` is that of the page, from 0 to 1. */
async function look(tab, colorScheme, selectors) {
  await tab.emulateMedia({ colorScheme });
  return tab.evaluate((selectors) => {
    const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
    const luminance = (colour) => {
      const [red, green, blue] = parts(colour)
        .slice(0, 3)
        .map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element) => {
      const colour = getComputedStyle(element).backgroundColor;
      return parts(colour)[3] === 0 ? behind(element.parentElement) : luminance(colour);
    };
    const seen = selectors.map((selector) => {
      const element = document.querySelector(selector);
      const shades = [luminance(getComputedStyle(element).color), behind(element)].sort((a, b) => b - a);
      return [selector, { text: element.innerText, contrast: (shades[0] + 0.05) / (shades[1] + 0.05) }];
    });
    return { brightness: behind(document.body), ...Object.fromEntries(seen) };
  }, selectors);
}

/** Checks the page at the end of a sign-in: what it says, that it can be read, and that it gives nothing away. */
export async function checkPage({ tab, loaded, answer }, { title, text }) {
  const headers = await answer.allHeaders();
  assert.equal(answer.status(), 200);
  assert.match(headers["content-security-policy"], /^default-src 'none'; style-src 'sha256-[^ ]+'; base-uri 'none'/);
  assert.equal(headers["cache-control"], "no-store");
  assert.equal(headers["referrer-policy"], "no-referrer");
  assert.equal(headers["x-content-type-options"], "nosniff");

  const selectors = ["h1", "main p", ".close", "footer", "svg"];
  const [light, dark] = [await look(tab, "light", selectors), await look(tab, "dark", selectors)];
  for (const seen of [light, dark]) {
    assert.equal(seen.h1.text, title);
    assert.match(seen["main p"].text, text);
    assert.equal(seen[".close"].text, "You can close this tab.");
    for (const selector of selectors) assert.ok(seen[selector].contrast >= 4.5, `${selector}: ${seen[selector].contrast}`);
  }
  assert.ok(light.brightness > 0.8 && dark.brightness < 0.1, `${light.brightness}, ${dark.brightness}`);

  // What the browser brought is in neither the page nor its address, and the page loaded nothing.
  const callback = loaded.at(-2);
  assert.equal(callback.status(), 303);
  const address = new URL(callback.url());
  assert.equal(address.origin, new URL(tab.url()).origin);
  const page = (await tab.content()) + tab.url();
  for (const [name, value] of address.searchParams) assert.ok(!page.includes(value), name);
}

/** What the page says, by how it ended. */
export const signedIn = { title: "You are signed in", text: /terminal/ };
export const denied = { title: "Access was not granted", text: /Nothing was stored.*again/ };
export const failed = { title: "The sign-in did not work", text: /terminal says why.*again/ };
