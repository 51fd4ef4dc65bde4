// What Thunderbird's calendar library makes of iCalendar files: [text, …] on standard input, an object for each on
// standard output. Components are read strictly: whatever it does not understand ends the program with an error.
import ICAL from 'ical.js';

ICAL.design.strict = true;

let input = '';
for await (const chunk of process.stdin) input += chunk;

const seen = JSON.parse(input).map((text) => {
  const calendar = new ICAL.Component(ICAL.parse(text));
  const components = calendar.getAllSubcomponents();
  const [event] = components.map((component) => new ICAL.Event(component));
  const property = (name) => event.component.getFirstPropertyValue(name);
  const person = (name) => {
    const found = event.component.getFirstProperty(name);
    return found && [found.getFirstValue(), found.getParameter('cn') ?? null];
  };
  return {
    components: components.map((component) => component.name),
    version: calendar.getFirstPropertyValue('version'),
    product: calendar.getFirstPropertyValue('prodid'),
    method: calendar.getFirstPropertyValue('method'),
    uid: event.uid,
    sequence: event.sequence,
    stamp: property('dtstamp').toString(),
    start: event.startDate.toJSDate().toISOString(),
    end: event.endDate.toJSDate().toISOString(),
    zone: event.startDate.zone.tzid,
    summary: event.summary,
    location: event.location,
    url: property('url'),
    description: event.description,
    status: property('status'),
    class: property('class'),
    organizer: person('organizer'),
    attendee: person('attendee'),
  };
});
process.stdout.write(JSON.stringify(seen));
