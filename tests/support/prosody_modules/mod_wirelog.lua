-- Writes every stanza that crosses an authenticated client stream to one
-- file, a JSON object per line, so that tests can look at what the server saw.
-- Stream management elements are written, too, also before a resource is bound.
module:set_global();

local filters = require "util.filters";
local json = require "util.json";
local now = require "util.time".now;

local xmlns_sm = "urn:xmpp:sm:3";

local path = module:get_option_string("wirelog_file");
local out = path and assert(io.open(path, "a"));
if out then out:setvbuf("line"); end

local function owner(session, stanza)
	if session.full_jid then return session.full_jid; end
	if session.username and stanza.attr.xmlns == xmlns_sm then
		return session.username.."@"..session.host;
	end
end

local function note(direction, session, stanza)
	if out and type(stanza) == "table" and stanza.name then
		local jid = owner(session, stanza);
		if jid then
			out:write(json.encode({
				t = now();
				dir = direction;
				jid = jid;
				via = session.websocket_request and "websocket"
					or session.bosh_version and "bosh" or "tcp";
				xml = tostring(stanza);
			}), "\n");
		end
	end
	return stanza;
end

local function attach(session)
	if session.type ~= "c2s" and session.type ~= "c2s_unauthed" then return; end
	filters.add_filter(session, "stanzas/in", function (stanza, s)
		return note("in", s or session, stanza);
	end, 100);
	filters.add_filter(session, "stanzas/out", function (stanza, s)
		return note("out", s or session, stanza);
	end, -100);
end

function module.load()
	filters.add_filter_hook(attach);
end

function module.unload()
	filters.remove_filter_hook(attach);
end
