-- While loaded, encrypted messages without a text wait here; the unloading
-- sends them on their way, in the order in which they came.
local versions = { "eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2" };
local waiting, is_open = {}, false;

local function has_no_text(stanza)
	for _, version in ipairs(versions) do
		local encrypted = stanza:get_child("encrypted", version);
		if encrypted and not encrypted:get_child("payload", version) then return true; end
	end
end

local function hold(event)
	if is_open or not has_no_text(event.stanza) then return; end
	table.insert(waiting, event.stanza);
	return true;
end

module:hook("message/bare", hold, 1000);
module:hook("message/full", hold, 1000);

function module.unload()
	is_open = true;
	for _, stanza in ipairs(waiting) do module:send(stanza); end
end
