%% Writes every stanza that crosses an authenticated client stream to one file, a JSON object per line, as mod_wirelog.lua
%% does for Prosody. Elements of stream management are written, too, also before a resource is bound.
-module(mod_wirelog).
-behaviour(gen_mod).

-export([start/2, stop/1, reload/3, depends/2, mod_options/1, mod_opt_type/1, mod_doc/0]).
-export([received/3, sent/3]).

start(Host, _Options) ->
    ejabberd_hooks:add(c2s_handle_recv, Host, ?MODULE, received, 1),
    ejabberd_hooks:add(c2s_handle_send, Host, ?MODULE, sent, 1).

stop(Host) ->
    ejabberd_hooks:delete(c2s_handle_recv, Host, ?MODULE, received, 1),
    ejabberd_hooks:delete(c2s_handle_send, Host, ?MODULE, sent, 1).

reload(_Host, _New, _Old) -> ok.
depends(_Host, _Options) -> [].
mod_options(_Host) -> [{file, <<>>}].
mod_opt_type(file) -> econf:binary().
mod_doc() -> #{}.

received(State, Element, _Packet) ->
    note(State, <<"in">>, Element).

sent(State, Packet, _Result) ->
    note(State, <<"out">>, xmpp:encode(Packet)).

note(#{lserver := Host} = State, Direction, Element) ->
    case {owner(State), via(State)} of
        {nobody, _} -> ok;
        {_, nothing} -> ok;
        {Jid, Via} ->
            Line = jiffy:encode({[
                {t, erlang:system_time(microsecond) / 1000000},
                {dir, Direction},
                {jid, Jid},
                {via, Via},
                {xml, fxml:element_to_binary(Element)}
            ]}),
            File = gen_mod:get_module_opt(Host, ?MODULE, file),
            ok = file:write_file(File, [Line, $\n], [append])
    end,
    State.

owner(#{user := User, server := Server, resource := Resource}) when User /= <<>>, Resource /= <<>> ->
    jid:encode(jid:make(User, Server, Resource));
owner(#{user := User, server := Server}) when User /= <<>> ->
    jid:encode(jid:make(User, Server));
owner(_) ->
    nobody.

via(#{socket := Socket}) ->
    case xmpp_socket:get_transport(Socket) of
        websocket -> websocket;
        http_bind -> bosh;
        _ -> tcp
    end;
via(_) ->
    %% A broken stream that waits to be resumed: what it is given is sent, and seen here, when it is.
    nothing.
