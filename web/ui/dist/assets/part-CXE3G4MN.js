import{b as fe}from"./part-VAQQGZKJ.js";import{a as N,b as X,f as be,g as ee,h as te}from"./part-DWYQRIVI.js";import"./part-WKGOY2FK.js";import"./part-BWCKTDOW.js";import"./part-PCHYMAUF.js";import{g as ye}from"./part-TNRVHF5C.js";import{a as S,b as x,c as T,d as he}from"./part-KRQZC76I.js";import{a as $e}from"./part-BBONDAZD.js";import{c as G,e as W,g as ue,o as F,p as M,r as B,z as me}from"./part-IZMKATDS.js";import"./part-XH3UVEMW.js";import{a as pe}from"./part-PWCCSJNW.js";import{a as s,b as E,i as q,j as $,k as C,l as R}from"./part-RIRFS6HY.js";import"./part-FXUFGIDR.js";import{b as Z,c as ie,d as le,e as de,f as g,g as ce}from"./part-NOEROMEE.js";import{B as y,E as w,c,d as k,p as A,t as P,y as _,z as K}from"./part-IAWYZLG6.js";var z=encodeURIComponent,L={password:(e,a)=>g("POST","/auth/password",{current:e,password:a}),sessions:async()=>(await g("GET","/auth/sessions")).sessions,end:e=>g("DELETE",`/auth/sessions/${z(e)}`),begin:e=>g("POST","/auth/totp",{password:e}),confirm:async e=>(await g("POST","/auth/totp/confirm",{code:e})).recovery_codes,remove:(e,a)=>g("POST","/auth/totp/remove",{password:e,code:a}),recovery:async e=>(await g("POST","/auth/totp/recovery",{password:e})).recovery_codes},U={list:async()=>(await g("GET","/users")).users,add:e=>g("POST","/users",e),change:(e,a)=>g("PATCH",`/users/${z(e)}`,a),remove:e=>g("DELETE",`/users/${z(e)}`),sessions:async()=>(await g("GET","/sessions")).sessions,end:e=>g("DELETE",`/sessions/${z(e)}`)},J={list:async()=>(await g("GET","/api-keys")).keys,add:e=>g("POST","/api-keys",e),remove:e=>g("DELETE",`/api-keys/${z(e)}`)},Q={list:(e,a=0)=>g("GET",`/audit?${new URLSearchParams({limit:"50",...e,...a&&{before:String(a)}})}`),verify:()=>g("GET","/audit/verify"),exportURL:(e,{from:a,to:t})=>`${Z}/audit/export?${new URLSearchParams({format:e,...a&&{from:a},...t&&{to:t}})}`},j={certificate:()=>g("GET","/system/tls"),setCertificate:e=>g("PUT","/system/tls",e),outgoing:()=>g("GET","/system/outgoing"),setOutgoing:e=>g("PUT","/system/outgoing",e),rotate:async()=>(await g("POST","/system/secrets/rotate",{})).rotated,backup:async e=>(await de("POST","/system/backup",{passphrase:e})).blob(),async restore(e,a){let t;try{t=await fetch(`${Z}/system/restore?confirm=restore`,{method:"POST",body:e,headers:{"Content-Type":"application/octet-stream","Backup-Passphrase":encodeURIComponent(a)}})}catch{throw ie()}if(!t.ok)throw le(t.status,"/system/restore",await t.json().catch(()=>null))}},ge={admin:"Everything",manager:"Cameras, exports and kept footage",guard:"Live, playback, exports and keeping footage",viewer:"Live and playback",worker:"Takes pictures to look at, and says what it sees",metrics:"Reads the figures for a monitoring system",relay:"Takes streams to pass them on",integration:"Watches, plays back, and reports or triggers things"};function ve(e){let a=t=>Object.fromEntries(Object.entries(t).filter(([,o])=>o.trim()).map(([o,n])=>[o,n.trim()]));switch(e.mode){case"given":return{mode:e.mode,hsts:e.hsts,...a({certificate:e.certificate,key:e.key})};case"acme":{let t=e.challenge==="dns-01"&&{dns:a({server:e.server,zone:e.zone,key_name:e.keyName,key_secret:e.keySecret,algorithm:e.algorithm})};return{mode:e.mode,hsts:e.hsts,acme:{challenge:e.challenge,...a({domain:e.domain,email:e.email,directory:e.directory}),...t}}}}return{mode:e.mode}}function we(e,a){let t={};for(let d of["text","actor","action","camera"])e[d]?.trim()&&(t[d]=e[d].trim());let o=(d,m)=>{let u=/^(\d+)-(\d+)-(\d+)$/.exec(d??"");return u&&new Date(ue({y:+u[1],m:+u[2],d:+u[3]+m},a)).toISOString()},n=o(e.from,0),l=o(e.to,1);return{...t,...n&&{from:n},...l&&{to:l}}}function se(e,a){return e?e.length===0?"No camera":e.map(a).join(", "):"All cameras"}function oe(e){let a=[["Edg/","Edge"],["OPR/","Opera"],["Firefox/","Firefox"],["Chrome/","Chrome"],["Safari/","Safari"]].find(([o])=>e.includes(o))?.[1],t=[["Android","Android"],["iPhone","iPhone"],["iPad","iPad"],["Windows","Windows"],["Mac OS","Mac"],["Linux","Linux"]].find(([o])=>e.includes(o))?.[1];return a?t?`${a} on ${t}`:a:e.slice(0,40)||"unknown"}function ke(e){let a=e.action.replace(/[._]/g," "),t=[e.target,e.camera&&e.camera!==e.target?`camera ${e.camera}`:""].filter(Boolean).join(", "),o=Object.entries(e.detail??{}).map(([n,l])=>`${n}: ${l}`).join(", ");return[a,t,o&&`(${o})`].filter(Boolean).join(" ")}var Ce=e=>e.map((a,t)=>[...a].map((o,n)=>o==="1"?`M${n} ${t}h1v1h-1z`:"").join("")).join("");var Se={ok:"done",denied:"denied",failed:"failed"},Ue=[["login","Signing in"],["setup","Claiming and the setup window"],["user","People"],["session","Sessions"],["password","Passwords"],["totp","Second factors"],["key","Keys of machines"],["camera","Cameras"],["footage","Exports"],["hold","Kept footage"],["retention","How long footage is kept"],["volume","Disks in use"],["disk","Disks of the machine"],["system","Updates, restarts, resets"],["tls","The certificate"],["outgoing","Where it connects to"],["secrets","Secrets"],["backup","Backups"],["audit","The audit itself"],["log","The log"],["support","Support bundles"],["denied","What was denied"]];function xe(){let[e,a]=c([]),[t,o]=c(0),[n,l]=c({}),{busy:d,error:m,go:u}=S(),r=(i,p=0)=>u(async()=>{let h=await Q.list(i,p);l(i),a(f=>p?[...f,...h.entries]:h.entries),o(h.next??0)});return k(()=>{r({})},[]),s`<section class="card span2" aria-labelledby="audit-h"><h2 id="audit-h">Audit</h2>
    <${Ke} busy=${d} onAsk=${i=>{r(i)}} />
    <${x} error=${m} />
    <div class="table-box"><table class="table stackable" data-testid="audit">
      <thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">From</th><th scope="col">Result</th></tr></thead>
      <tbody>${e.map(i=>s`<tr key=${i.seq}><td data-label="When" class="mono">${W(Date.parse(i.time),P.value)}</td><th scope="row">${i.actor||"somebody"}</th>
        <td data-label="What">${ke(i)}</td><td data-label="From" class="mono">${i.address??""}</td>
        <td data-label="Result">${i.result==="ok"?Se.ok:s`<span class="tag tag-bad">${Se[i.result]}</span>`}</td></tr>`)}</tbody>
    </table></div>
    ${e.length===0&&!d&&!m&&s`<p class="muted" role="status" data-testid="audit-none">Nothing like that is written down.</p>`}
    ${t>0&&s`<p><button type="button" class="button" disabled=${d} onClick=${()=>r(n,t)} data-testid="audit-earlier">Earlier</button></p>`}
    <${Be} query=${n} />
  </section>`}function Ke({busy:e,onAsk:a}){let[t,o]=c({}),n=r=>i=>o(p=>({...p,[r]:i})),l=r=>{r.preventDefault();let i=Object.fromEntries([...new FormData(r.currentTarget)].map(([p,h])=>[p.replace("audit-",""),String(h)]));a(we(i,P.value))},d=()=>[o({}),a({})],m=(r,i,p="text")=>s`<${$} id="audit-${r}" label=${i} type=${p} value=${t[r]??""} onInput=${n(r)} testid="audit-${r}" />`,u=(r,i,p,h)=>s`<div class="field"><label for="audit-${r}">${i}</label>
    <select id="audit-${r}" name="audit-${r}" value=${t[r]??""} onChange=${f=>n(r)(f.target.value)} data-testid="audit-${r}">
      <option value="">${p}</option>${h.map(([f,b])=>s`<option key=${f} value=${f}>${b}</option>`)}</select></div>`;return s`<form onSubmit=${l} class="filters"><div class="row">${m("text","Search")}<button type="submit" class="button" disabled=${e} data-testid="audit-search">Search</button></div>
    <details data-testid="audit-more"><summary>By person, kind, camera or day</summary><div class="row">
      ${m("actor","Who")}${u("action","What","Everything",Ue)}${u("camera","Camera","All cameras",K.value.map(r=>[r.id,r.name]))}
      ${m("from","First day","date")}${m("to","Last day","date")}
      <button type="button" class="button" onClick=${d} data-testid="audit-clear">Clear</button></div></details></form>`}function Be({query:e}){let[a,t]=c(""),[o,n]=c(!1),l=async()=>{n(!0);try{let m=await Q.verify();t(m.ok?`Unbroken: ${M(m.entries,"entry","entries")} follow on each other.`:`Changed from outside at entry ${m.broken_at}: ${m.reason}.`)}catch(m){w("error",m.message)}finally{n(!1)}},d=e.from||e.to?" of these days":"";return s`<p class="actions"><button type="button" class="button" disabled=${o} onClick=${l} data-testid="audit-verify">${o?"Checking…":"Check that nothing was changed"}</button>
      <a class="button" href=${Q.exportURL("csv",e)} download data-testid="audit-csv">Table${d} (CSV)</a> <a class="button" href=${Q.exportURL("jsonl",e)} download data-testid="audit-jsonl">JSON lines${d}</a></p>
    <p role="status" data-testid="audit-checked">${a}</p>`}var ze={off:"Not encrypted",own:"This box",given:"You",acme:"A certificate authority, fetched by itself"},Qe={pending:"not asked for yet",working:"being fetched",issued:"in order",failing:"not given"};function Ee(){let[e,a]=c(null),[t,o]=c(!1),n=()=>j.certificate().then(a,()=>a(null));if(k(()=>{n()},[]),!e)return null;let l=d=>W(Date.parse(d),P.value);return s`<section class="card" aria-labelledby="tls-h"><h2 id="tls-h">Certificate</h2>
    ${e.mode==="off"?s`<p data-testid="certificate-off">This panel is not encrypted. Its configuration turns that on (<span class="mono">tls.mode</span>).</p>`:s`
      <dl class="facts" data-testid="certificate"><div><dt>From</dt><dd>${ze[e.mode]}</dd></div><div><dt>Words</dt><dd><b>${e.words}</b></dd></div>
        <div><dt>Names</dt><dd>${e.names.join(", ")}</dd></div>${e.not_after&&s`<div><dt>Until</dt><dd>${G(Date.parse(e.not_after),P.value)}</dd></div>`}
        ${e.acme&&s`<div><dt>For</dt><dd>${e.acme.domain}: ${Qe[e.acme.state]??e.acme.state}${e.acme.next_try&&s` <span class="muted">next try ${l(e.acme.next_try)}</span>`}</dd></div>`}</dl>
      ${[e.problem,e.acme?.error].map(d=>d&&s`<p class="bad"><${E} name="warn" size=${16} /> ${d}</p>`)}
      <details><summary>Fingerprints</summary><p class="mono small wrap">${e.fingerprint}</p><p class="small">Of the authority of this box:</p><p class="mono small wrap">${e.ca_fingerprint}</p></details>
      ${!e.publicly_trusted&&s`<${Ge} />`}
      <p class="actions"><a class="button" href="/vedette-ca.crt" download data-testid="authority">Download the authority</a>
        <button type="button" class="button" disabled=${y.value} onClick=${()=>o(!0)} data-testid="certificate-edit">Change…</button></p>`}
    ${t&&s`<${Ve} c=${e} onClose=${()=>{o(!1),n()}} />`}
  </section>`}var He=[["Windows","Open the file, Install Certificate, Local Machine, place it in Trusted Root Certification Authorities."],["Mac","Open the file, which adds it to Keychain Access; there set it to Always Trust."],["iPhone, iPad","Open the file in Safari, install the profile in Settings, then switch it on in General, About, Certificate Trust Settings."],["Android","Settings, search for “CA certificate”, install the file."],["Linux","Copy it to /usr/local/share/ca-certificates and run update-ca-certificates; browsers keep their own list."],["Firefox","Settings, search for “certificates”, View Certificates, Authorities, Import, trust it for websites."]],Ge=()=>s`<p class="muted small">Browsers warn of it until they know the authority of this box. Compare the words above with those on the way in first.</p>
  <details data-testid="trust"><summary>How a device comes to trust it</summary><dl class="trust small">${He.map(([e,a])=>s`<div key=${e}><dt>${e}</dt><dd>${a}</dd></div>`)}</dl></details>`,Je=[{value:"own",label:"This box"},{value:"given",label:"Yours"},{value:"acme",label:"ACME",title:"Let's Encrypt, or another authority"}];function Ve({c:e,onClose:a}){let[t,o]=c({mode:e.mode,certificate:"",key:"",hsts:e.hsts,domain:e.acme?.domain??"",email:e.acme?.email??"",directory:e.acme?.directory??"",challenge:e.acme?.challenge??"http-01",server:e.acme?.dns?.server??"",zone:e.acme?.dns?.zone??"",keyName:e.acme?.dns?.key_name??"",keySecret:"",algorithm:e.acme?.dns?.algorithm||"hmac-sha256"}),{busy:n,error:l,go:d}=S(),m=i=>o(p=>({...p,...i})),u=async i=>{i.preventDefault(),await d(()=>j.setCertificate(ve(t)))&&(w("good",t.mode==="acme"?"It is being fetched; until it is there, the panel keeps the one it has.":"The certificate is set. This page may have to be loaded again."),a())},r=(i,p,h={})=>s`<${$} id="tls-${i}" label=${p} value=${t[i]} onInput=${f=>m({[i]:f})} testid="tls-${i}" ...${h} />`;return s`<${R} title="Certificate" onClose=${a} testid="certificate-dialog"><form class="ask" onSubmit=${u}>
    <${q} label="From" value=${t.mode} onPick=${i=>m({mode:i})} options=${Je} testid="tls-mode" />
    ${t.mode==="own"&&s`<p class="muted small">The box signs it itself, for the names and addresses it has, and renews it by itself.</p>`}
    ${t.mode==="given"&&s`
      <${Te} id="tls-certificate" label="Certificate, and those that lead to its authority" value=${t.certificate} onText=${i=>m({certificate:i})} />
      <${Te} id="tls-key" label="Its key" value=${t.key} onText=${i=>m({key:i})} />`}
    ${t.mode==="acme"&&s`
      ${r("domain","Domain",{placeholder:"nvr.example.org"})}
      ${r("email","E-mail",{required:!1,hint:"The authority may write to it."})}
      <${q} label="How the domain is proved" value=${t.challenge} onPick=${i=>m({challenge:i})} testid="tls-challenge"
        options=${[{value:"http-01",label:"Over port 80"},{value:"dns-01",label:"In the DNS"}]} />
      ${t.challenge==="http-01"?s`<p class="muted small">The domain has to lead to this box, on port 80 from the internet.</p>`:s`
        <p class="muted small">The box writes a record to your name server (RFC 2136), and needs to be reached by nobody.</p>
        ${r("server","Name server",{placeholder:"192.0.2.53",mono:!0})}
        ${r("zone","Zone",{required:!1,mono:!0,hint:"Found out if empty."})}
        ${r("keyName","Name of the key (TSIG)",{mono:!0})}
        <${$} id="tls-secret" label="Secret of the key" type="password" value=${t.keySecret} onInput=${i=>m({keySecret:i})} autocomplete="off" testid="tls-secret" hint=${e.acme?.dns?"As before if empty.":void 0} />
        <label class="field">Algorithm <select value=${t.algorithm} onChange=${i=>m({algorithm:i.target.value})} data-testid="tls-algorithm">
          ${["hmac-sha256","hmac-sha384","hmac-sha512","hmac-sha1"].map(i=>s`<option key=${i} value=${i}>${i}</option>`)}</select></label>`}
      <details open=${!!t.directory&&!t.directory.includes("letsencrypt.org")}><summary>Another authority than Let's Encrypt</summary>${r("directory","Directory",{required:!1,placeholder:"https://…",mono:!0})}</details>`}
    ${t.mode!=="own"&&s`<${C} id="tls-hsts" label="Browsers insist on it (HSTS)" hint="Sent only while browsers trust the certificate anyway: with another one they would lock you out." checked=${t.hsts} onChange=${i=>m({hsts:i})} testid="tls-hsts" />`}
    <${x} error=${l} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${a}>Leave it</button><button type="submit" class="button primary" disabled=${n} data-testid="certificate-save">${n?"Checking…":"Use it"}</button></div>
  </form><//>`}function Te({id:e,label:a,value:t,onText:o}){return s`<div class="field"><label for=${e}>${a}</label>
    <textarea id=${e} class="mono" rows="4" value=${t} onInput=${l=>o(l.target.value)} placeholder="-----BEGIN …" spellcheck=${!1} autocomplete="off" data-testid=${e}></textarea>
    <input type="file" accept=".pem,.crt,.cer,.key" aria-label="File: ${a}" onChange=${async l=>{let d=l.target.files?.[0];if(d){if(d.size>262144)return w("error","This file is too big to be a certificate or a key.");o(await d.text())}}} data-testid="${e}-file" /></div>`}var ae={webhook:"Webhook",mail:"Mail",mqtt:"MQTT"};function Re(){let[e,a]=c(null),[t,o]=c(null),[n,l]=c(null),[d,m]=c(null),u=()=>N.list().then(a,()=>a(null));if(k(()=>{u();let i=setInterval(()=>document.hidden||void u(),1e4);return()=>clearInterval(i)},[]),!e)return null;let r=()=>[o(null),l(null),m(null),void u()];return s`<section class="card span2" aria-labelledby="notifications-h"><h2 id="notifications-h">Notifications</h2>
    ${!e.length&&s`<p class="muted">None yet: what happens is told in this panel alone.</p>`}
    <ul class="subs" data-testid="notifications">${e.map(i=>s`<${Ze} key=${i.id} s=${i} onEdit=${()=>o(i)} onGone=${()=>l(i)} onShow=${()=>m(i)} onChanged=${u} />`)}</ul>
    <p class="actions">${Object.keys(ae).map(i=>s`<button key=${i} type="button" class="button" disabled=${y.value} onClick=${()=>o(i)} data-testid="notify-add-${i}">Add ${i==="mail"?"mail":`a${i==="mqtt"?"n":""} ${i==="mqtt"?"MQTT broker":"webhook"}`}…</button>`)}</p>
    ${t&&s`<${et} s=${typeof t=="string"?void 0:t} kind=${typeof t=="string"?t:t.kind} onClose=${r} />`}
    ${d&&s`<${Xe} s=${d} onClose=${r} />`}
    ${n&&s`<${T} title="Remove ${n.name}?" verb="Remove" act=${()=>N.remove(n.id)} onClose=${r} testid="notify-gone"><p>Nothing is sent there any more, and its secret is forgotten.</p><//>`}
  </section>`}var Ye=e=>e.webhook?.url??e.mqtt?.url??(e.mail?`${(e.mail.to??[]).join(", ")} by ${e.mail.host}`:"");function Ze({s:e,onEdit:a,onGone:t,onShow:o,onChanged:n}){let[l,d]=c(!1),[m,u]=c(null),r=e.state??{},i=b=>F(_.value-Date.parse(b??"")),p=!!r.halted||!!r.failing_since,h=async()=>{d(!0),u(null);try{let b=await N.test(e.id),v=!b?.result||b.result==="sent";u({ok:v,text:v?`Sent${b?.took_ms!==void 0?`, in ${b.took_ms} ms`:""}.`:`${te(b)}${b?.error?`: ${b.error}`:""}.`})}catch(b){u({ok:!1,text:b.message})}finally{d(!1)}},f=()=>N.change(e.id,{enabled:!e.enabled}).then(n,b=>w("error",b.message));return s`<li class="sub" data-testid="notify-${e.name}">
    <p class="sub-head"><b>${e.name}</b> <span class="tag">${ae[e.kind]??e.kind}</span>
      ${e.enabled?s`<span class="tag ${p?"tag-bad":"tag-good"}"><${E} name=${p?"warn":"check"} size=${14} />${r.halted?"stands still":p?`failing since ${W(Date.parse(r.failing_since),P.value)}`:"in order"}</span>`:s`<span class="tag">switched off</span>`}</p>
    <p class="mono small sub-where">${Ye(e)}</p>
    <p class="muted small">${e.types.join(", ")==="*"?"Everything":e.types.join(", ")}, ${e.min_severity==="info"?"however serious":e.min_severity==="critical"?"if critical":"from warnings on"} · ${r.last_sent_at?`last sent ${i(r.last_sent_at)}`:"nothing sent yet"}${r.pending?` · ${M(r.pending,"event")} waiting`:""}</p>
    ${p&&(r.halted||r.last_error)&&s`<p class="small bad">${B(r.halted||r.last_error||"")}</p>`}
    <div role="status">${m&&s`<p class="verdict ${m.ok?"verdict-ok":"verdict-bad"}" data-testid="notify-result" data-ok=${m.ok}><${E} name=${m.ok?"check":"cross"} />${m.text}</p>`}</div>
    <p class="actions"><button type="button" class="button small" disabled=${l||y.value} onClick=${h} data-testid="notify-test-${e.name}">${l?"Sending…":"Send a test"}<span class="sr"> to ${e.name}</span></button>
      <button type="button" class="button small" onClick=${o} data-testid="notify-log-${e.name}">Deliveries<span class="sr"> to ${e.name}</span></button>
      <button type="button" class="button small" disabled=${y.value} onClick=${f}>${e.enabled?"Switch off":"Switch on"}<span class="sr"> ${e.name}</span></button>
      <button type="button" class="button small" disabled=${y.value} onClick=${a} data-testid="notify-edit-${e.name}">Change…<span class="sr"> ${e.name}</span></button>
      <button type="button" class="button small" disabled=${y.value} onClick=${t} data-testid="notify-remove-${e.name}">Remove…<span class="sr"> ${e.name}</span></button></p>
  </li>`}function Xe({s:e,onClose:a}){let[t,o]=c(null),[n,l]=c("");return k(()=>{N.deliveries(e.id).then(o,d=>l(d.message))},[]),s`<${R} title="Deliveries to ${e.name}" wide onClose=${a} testid="deliveries">
    ${n&&s`<p class="form-error" role="alert"><${E} name="warn" />${n}</p>`}
    ${t&&!t.length&&s`<p class="muted">None yet.</p>`}
    ${t&&t.length>0&&s`<div class="table-box"><table class="table stackable"><thead><tr><th scope="col">When</th><th scope="col">Event</th><th scope="col">Try</th><th scope="col">How it ended</th><th scope="col">Took</th></tr></thead>
      <tbody>${t.map((d,m)=>s`<tr key=${m}><th scope="row" class="mono">${W(Date.parse(d.at),P.value)}</th><td data-label="Event">${d.type} <small class="muted mono">${d.event_seq}</small></td><td data-label="Try">${d.attempt}</td>
        <td data-label="How it ended" class=${d.result==="sent"?"":"bad"}>${te(d)}${d.error&&s`<small class="why">${B(d.error)}</small>`}</td><td data-label="Took" class="mono">${d.took_ms} ms</td></tr>`)}</tbody></table></div>`}
  <//>`}function et({s:e,kind:a,onClose:t}){let[o,n]=c(()=>({...be(e),kind:a})),[l,d]=c({}),[m,u]=c(!1),r=v=>I=>n(O=>({...O,[v]:I})),i=async v=>{v.preventDefault(),u(!0);try{await(e?N.change(e.id,ee(o,!0)):N.add(ee(o))),w("good",`${o.name.trim()} was saved.`),t()}catch(I){let O=I,H=(O.field??"form").split(".").pop().replace(/\[.*/,"");d({[H==="password"?"secret":H]:O.message})}finally{u(!1)}},p=["name","types","min_severity","url","secret","host","port","tls","username","from","to","prefix","discovery_prefix"],h=Object.entries(l).filter(([v])=>!p.includes(v)).map(([,v])=>v).join(" "),f=(v,I)=>s`<${$} id="secret" label=${v} type="password" required=${!1} value=${o.secret} onInput=${r("secret")} error=${l.secret} autocomplete="new-password" testid="notify-secret"
    placeholder=${e?.secret_set?"unchanged":""} hint=${e?.secret_set?"One is stored. It is never shown; write a new one to replace it.":I} />`,b=s`<${$} id="username" label="User name" required=${!1} value=${o.username} onInput=${r("username")} error=${l.username} testid="notify-user" />`;return s`<${R} title=${e?e.name:`Add: ${ae[a]}`} onClose=${t} testid="notify-dialog"><form class="ask" onSubmit=${i}>
    <${$} id="name" label="Name" value=${o.name} onInput=${r("name")} error=${l.name} placeholder="Phone of the caretaker" testid="notify-name" />
    ${a==="webhook"&&s`<${$} id="url" label="Address" value=${o.url} onInput=${r("url")} error=${l.url} mono placeholder="https://example.org/hook" testid="notify-url" hint="Outside of your network only if Connections allows it." />
      ${f("Secret","Signs what is sent (HMAC-SHA256), so that the receiver knows it is from here.")}`}
    ${a==="mail"&&s`<div class="pair"><${$} id="host" label="Mail server" value=${o.host} onInput=${r("host")} error=${l.host} mono placeholder="smtp.example.org" testid="notify-host" />
      <${$} id="port" label="Port" value=${o.port} onInput=${r("port")} error=${l.port} inputmode="numeric" testid="notify-port" /></div>
      <div class="field"><span class="label">Encryption</span><${q} label="Encryption" value=${o.tls} onPick=${r("tls")} testid="notify-tls" options=${[{value:"tls",label:"TLS"},{value:"starttls",label:"STARTTLS"},{value:"none",label:"None"}]} />
        ${o.tls==="none"&&s`<p class="warnline small"><${E} name="warn" size=${16} /> Everybody on the way can read the mails and the password.</p>`}</div>
      <div class="pair">${b}${f("Password")}</div>
      <${$} id="from" label="From" value=${o.from} onInput=${r("from")} error=${l.from} mono placeholder="recorder@example.org" testid="notify-from" />
      <${$} id="to" label="To" value=${o.to} onInput=${r("to")} error=${l.to} mono placeholder="ann@example.org, ben@example.org" testid="notify-to" />`}
    ${a==="mqtt"&&s`<${$} id="url" label="Broker" value=${o.url} onInput=${r("url")} error=${l.url} mono placeholder="mqtts://broker.local" testid="notify-url" hint="mqtt:// or, encrypted, mqtts://" />
      <div class="pair">${b}${f("Password")}</div>
      <${$} id="prefix" label="Topics begin with" value=${o.prefix} onInput=${r("prefix")} error=${l.prefix} mono testid="notify-prefix" />
      <${C} id="discovery" label="Home Assistant finds it by itself" checked=${o.discovery} onChange=${r("discovery")} testid="notify-discovery" />
      ${o.discovery&&s`<${$} id="discovery_prefix" label="Where Home Assistant looks" value=${o.discovery_prefix} onInput=${r("discovery_prefix")} error=${l.discovery_prefix} mono />`}`}
    <${$} id="types" label="Kinds of events" value=${o.types} onInput=${r("types")} error=${l.types} mono testid="notify-types" hint="* is everything; or zone_*, camera_offline, with commas." />
    <${ye} id="min_severity" label="At least" value=${o.min_severity} onPick=${r("min_severity")} error=${l.min_severity} options=${[["info","Information"],["warning","Warning"],["critical","Critical"]]} />
    <${C} id="notify-all" label="All cameras" hint="And what is of no camera." checked=${o.cameras===null} onChange=${v=>r("cameras")(v?null:[])} testid="notify-all" />
    ${o.cameras&&s`<${fe} legend="These cameras" value=${o.cameras} onChange=${r("cameras")} />`}
    <${C} id="notify-on" label="Switched on" checked=${o.enabled} onChange=${r("enabled")} testid="notify-on" />
    <div role="alert">${h&&s`<p class="form-error"><${E} name="warn" />${h}</p>`}</div>
    <div class="dialog-foot"><button type="button" class="button" onClick=${t}>Cancel</button><button type="submit" class="button primary" disabled=${m||!o.name.trim()} data-testid="notify-save">Save</button></div>
  </form><//>`}async function V(e){try{await navigator.clipboard.writeText(e),w("good","Copied.")}catch{w("error","This browser does not let the panel copy: select the text and copy it yourself.")}}function Y(e,a){let t=URL.createObjectURL(e),o=document.createElement("a");o.href=t,o.download=a,o.click(),setTimeout(()=>URL.revokeObjectURL(t),1e4)}var Pe=e=>K.value.find(a=>a.id===e)?.name??e,tt=["admin","manager","guard","viewer"],st=["worker","metrics","relay","integration"];function _e({value:e,onChange:a}){let t=(o,n)=>a(n?[...e??[],o]:(e??[]).filter(l=>l!==o));return s`<${C} id="all-cameras" label="All cameras" hint="Those that are added later too." checked=${!e} onChange=${o=>a(o?void 0:[])} testid="all-cameras" />
    ${e&&s`<fieldset class="picks"><legend>These cameras</legend>${K.value.map(o=>s`<label key=${o.id}><input type="checkbox" checked=${e.includes(o.id)}
      onChange=${n=>t(o.id,n.target.checked)} data-testid="pick-${o.id}" /> ${o.name}</label>`)}</fieldset>`}`}function Ae({roles:e,value:a,onChange:t}){return s`<div class="field"><label for="role">Role</label>
    <select id="role" value=${a} aria-describedby="role-hint" onChange=${o=>t(o.target.value)} data-testid="role">
      ${e.map(o=>s`<option key=${o} value=${o}>${o}</option>`)}</select><p class="field-hint" id="role-hint">${ge[a]}</p></div>`}function Ie(){let[e,a]=c([]),[t,o]=c([]),[n,l]=c(null),[d,m]=c(null),u=()=>Promise.all([U.list().then(a),U.sessions().then(o)]).catch(p=>w("error",p.message));k(()=>{u()},[]);let r=()=>[l(null),m(null),void u()],i=p=>U.end(p.id).then(u,h=>w("error",h.message));return s`<section class="card span2" aria-labelledby="people-h"><h2 id="people-h">People</h2>
    <div class="table-box"><table class="table stackable" data-testid="people">
      <thead><tr><th scope="col">Who</th><th scope="col">Role</th><th scope="col">Sees</th><th scope="col">Last here</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${e.map(p=>s`<tr key=${p.username} data-testid="person-${p.username}">
        <th scope="row">${p.username} ${p.disabled&&s`<span class="tag">switched off</span>`} ${p.totp&&s`<span class="tag">second factor</span>`}</th>
        <td data-label="Role">${p.role}</td><td data-label="Sees">${se(p.cameras,Pe)}</td>
        <td data-label="Last here">${p.last_login?F(_.value-Date.parse(p.last_login)):"never"}</td>
        <td class="actions"><button type="button" class="button small" disabled=${y.value} onClick=${()=>l(p)} data-testid="person-edit-${p.username}">Change…</button>
          ${p.username!==A.value?.username&&s` <button type="button" class="button small" disabled=${y.value} onClick=${()=>m(p)} data-testid="person-remove-${p.username}">Remove…</button>`}</td></tr>`)}</tbody>
    </table></div>
    <p><button type="button" class="button" disabled=${y.value} onClick=${()=>l("new")} data-testid="person-add">Add somebody…</button></p>
    <h3>Signed in now</h3>
    <${ne} list=${t} named onEnd=${i} testid="all-sessions" />
    ${n&&s`<${ot} p=${n==="new"?null:n} onClose=${r} />`}
    ${d&&s`<${T} title="Remove ${d.username}?" verb="Remove" act=${()=>U.remove(d.username)} onClose=${r} testid="person-remove">
      <p>They are signed out everywhere at once. What they did stays in the audit.</p><//>`}
  </section>`}function ot({p:e,onClose:a}){let[t,o]=c(e?.username??""),[n,l]=c(e?.role??"viewer"),[d,m]=c(e?.cameras),[u,r]=c(""),[i,p]=c(e?.disabled??!1),[h,f]=c(!0),{busy:b,error:v,go:I}=S(),O=n==="admin"?void 0:d,H=()=>{if(!e)return U.add({username:t.trim(),role:n,password:u,...O&&{cameras:O}});let D={};return n!==e.role&&(D.role=n),JSON.stringify(O)!==JSON.stringify(e.cameras)&&(D.cameras=O??null),i!==e.disabled&&(D.disabled=i),u&&(D.password=u),h||(D.totp=!1),Object.keys(D).length?U.change(e.username,D):Promise.resolve()},qe=async D=>{D.preventDefault(),await I(H)&&a()};return s`<${R} title=${e?e.username:"Add somebody"} onClose=${a} testid="person-dialog"><form class="ask" onSubmit=${qe}>
    ${!e&&s`<${$} id="person-name" label="User name" value=${t} onInput=${o} testid="person-name" />`}
    <${Ae} roles=${tt} value=${n} onChange=${l} />
    ${n!=="admin"&&s`<${_e} value=${d} onChange=${m} />`}
    <${$} id="person-pass" label=${e?"New password":"Password"} required=${e?!1:void 0} type="password" value=${u} onInput=${r} autocomplete="new-password" testid="person-pass" hint="At least 8 characters." />
    ${e&&s`<${C} id="person-off" label="Switched off" hint="Cannot sign in, and is signed out everywhere." checked=${i} onChange=${p} testid="person-off" />`}
    ${e?.totp&&s`<${C} id="person-second" label="Second factor" hint="Switch it off for somebody who lost their app." checked=${h} onChange=${f} />`}
    ${e&&s`<p class="muted small">A change of role, cameras or password signs them out everywhere.</p>`}
    <${x} error=${v} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${a}>Leave it</button>
      <button type="submit" class="button primary" disabled=${b||!e&&(!t.trim()||[...u].length<8)} data-testid="person-save">Save</button></div>
  </form><//>`}function Oe(){let[e,a]=c([]),[t,o]=c(!1),[n,l]=c(null),d=()=>J.list().then(a,u=>w("error",u.message));k(()=>{d()},[]);let m=()=>[o(!1),l(null),void d()];return s`<section class="card span2" aria-labelledby="keys-h"><h2 id="keys-h">Keys of machines</h2>
    ${e.length>0&&s`<div class="table-box"><table class="table stackable" data-testid="keys">
      <thead><tr><th scope="col">Name</th><th scope="col">Role</th><th scope="col">Sees</th><th scope="col">Last used</th><th scope="col">Until</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${e.map(u=>s`<tr key=${u.id}><th scope="row">${u.name} <small class="muted mono">${u.id}</small></th><td data-label="Role">${u.role}</td><td data-label="Sees">${se(u.cameras,Pe)}</td>
        <td data-label="Last used">${u.last_used?F(_.value-Date.parse(u.last_used)):"never"}</td>
        <td data-label="Until">${u.expired?s`<span class="tag tag-bad">expired</span>`:u.expires_at?G(Date.parse(u.expires_at),P.value):"it is revoked"}</td>
        <td class="actions"><button type="button" class="button small" disabled=${y.value} onClick=${()=>l(u)} data-testid="key-remove-${u.name}">Revoke…</button></td></tr>`)}</tbody>
    </table></div>`}
    <p><button type="button" class="button" disabled=${y.value} onClick=${()=>o(!0)} data-testid="key-add">Make a key…</button></p>
    ${t&&s`<${at} onClose=${m} />`}
    ${n&&s`<${T} title="Revoke ${n.name}?" verb="Revoke" act=${()=>J.remove(n.id)} onClose=${m} testid="key-revoke"><p>Whatever uses it stops working at once.</p><//>`}
  </section>`}function at({onClose:e}){let[a,t]=c(""),[o,n]=c("worker"),[l,d]=c(void 0),[m,u]=c(""),[r,i]=c(""),{busy:p,error:h,go:f}=S(),b=async v=>{v.preventDefault(),await f(async()=>{let I=await J.add({name:a.trim(),role:o,...l&&{cameras:l},...m&&{expires_at:new Date(`${m}T00:00`).toISOString()}});i(I.key)})};return r?s`<${R} title="The key" onClose=${e} testid="key-made"><p>It is shown this once. Give it to the machine, and to nobody else.</p>
    <p class="mono wrap" data-testid="key-secret">${r}</p>
    <div class="dialog-foot"><button type="button" class="button" onClick=${()=>V(r)}>Copy</button><button type="button" class="button primary" onClick=${e} data-testid="key-done">I have it</button></div><//>`:s`<${R} title="Make a key" onClose=${e} testid="key-dialog"><form class="ask" onSubmit=${b}>
    <${$} id="key-name" label="Name" value=${a} onInput=${t} placeholder="What it is for" testid="key-name" />
    <${Ae} roles=${st} value=${o} onChange=${n} />
    <${_e} value=${l} onChange=${d} />
    <${$} id="key-until" label="Until" required=${!1} type="date" value=${m} onInput=${u} />
    <${x} error=${h} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${e}>Leave it</button><button type="submit" class="button primary" disabled=${p||!a.trim()} data-testid="key-save">Make it</button></div>
  </form><//>`}var nt=e=>({enabled:e.enabled,url:e.url??"",stream:e.stream??"",subject:e.subject??"",way:e.username||!e.secret_set?"password":"token",username:e.username??"",secret:""});function rt(e){return{enabled:e.enabled,url:e.url.trim(),stream:e.stream.trim(),subject:e.subject.trim(),username:e.way==="password"?e.username.trim():"",...e.secret&&{[e.way]:e.secret}}}function De(){let[e,a]=c(null),[t,o]=c(null),[n,l]=c({}),[d,m]=c(!1);if(k(()=>{let h=()=>X.get().then(b=>{a(b),o(v=>v??nt(b))},()=>{});h();let f=setInterval(()=>document.hidden||void h(),1e4);return()=>clearInterval(f)},[]),!e||!t)return null;let u=h=>f=>o(b=>({...b,[h]:f})),r=async h=>{h.preventDefault(),m(!0),l({});try{let f=await X.set(rt(t));a(f??e),o(b=>({...b,secret:""})),w("good","The relay was set.")}catch(f){let b=f,v=b.field??"form";l({[["password","token","creds"].includes(v)?"secret":v]:b.message})}finally{m(!1)}},i=e.state??{},p=Object.entries(n).filter(([h])=>!["url","stream","subject","username","secret"].includes(h)).map(([,h])=>h).join(" ");return s`<section class="card span2" aria-labelledby="relay-h"><h2 id="relay-h">Relay</h2>
    <p class="muted">Hands on what workers saw to a NATS server with JetStream, as the way from many recorders to one place.</p>
    ${e.enabled&&s`<p data-testid="relay-state">${i.last_error?s`<span class="bad"><${E} name="warn" size=${16} /> ${B(i.last_error)}</span>`:i.last_ack_at?s`<${E} name="check" size=${16} /> Last taken ${F(_.value-Date.parse(i.last_ack_at))}.`:"Nothing was taken yet."}
      ${i.pending?` ${M(i.pending,"report")} waiting.`:""}${i.dropped?s` <span class="warnline">${M(i.dropped,"report")} were too old before they could go.</span>`:""}</p>`}
    <form class="relay-form" onSubmit=${r}>
      <${C} id="relay-on" label="Switched on" checked=${t.enabled} onChange=${u("enabled")} testid="relay-on" />
      <${$} id="url" label="Server" value=${t.url} onInput=${u("url")} error=${n.url} mono placeholder="tls://nats.example.org:4222" testid="relay-url" />
      <div class="pair"><${$} id="stream" label="Stream" value=${t.stream} onInput=${u("stream")} error=${n.stream} mono testid="relay-stream" />
        <${$} id="subject" label="Subjects begin with" value=${t.subject} onInput=${u("subject")} error=${n.subject} mono testid="relay-subject" /></div>
      <div class="field"><span class="label">Signs in with</span><${q} label="Signs in with" value=${t.way} onPick=${u("way")} testid="relay-way" options=${[{value:"password",label:"Password"},{value:"token",label:"Token"},{value:"creds",label:"Credentials"}]} /></div>
      ${t.way==="password"&&s`<${$} id="relay-user" label="User name" value=${t.username} onInput=${u("username")} error=${n.username} testid="relay-user" />`}
      <${$} id="relay-secret" label=${t.way==="password"?"Password":t.way==="token"?"Token":"What the credentials file holds"} type="password" required=${!1} value=${t.secret} onInput=${u("secret")} error=${n.secret} autocomplete="new-password" testid="relay-secret"
        placeholder=${e.secret_set?"unchanged":""} hint=${e.secret_set?"One is stored. It is never shown; write a new one to replace it.":void 0} />
      <div role="alert">${p&&s`<p class="form-error"><${E} name="warn" />${p}</p>`}</div>
      <button type="submit" class="button" disabled=${d||y.value} data-testid="relay-save">${d?"Saving…":"Save"}</button>
    </form></section>`}function Fe(){let[e,a]=c(""),[t,o]=c([]),n=A.value?.totp===!0,l=async()=>{a(""),A.value=await ce.me()};return s`<section class="card" aria-labelledby="second-h"><h2 id="second-h">Second factor</h2>
    <p data-testid="second-state" data-on=${n}>${n?"On: signing in takes a code of your app as well.":"Off: your password alone lets you in."}</p>
    <p class="actions">${n?s`<button type="button" class="button" disabled=${y.value} onClick=${()=>a("recovery")}>New recovery codes…</button>
          <button type="button" class="button" disabled=${y.value} onClick=${()=>a("remove")} data-testid="second-remove">Switch off…</button>`:s`<button type="button" class="button" disabled=${y.value} onClick=${()=>a("add")} data-testid="second-add">Set up…</button>`}</p>
    ${e==="add"&&s`<${it} onClose=${l} onCodes=${o} />`}
    ${e==="remove"&&s`<${lt} onClose=${l} />`}
    ${e==="recovery"&&s`<${dt} onClose=${l} onCodes=${o} />`}
    ${t.length>0&&s`<${ct} codes=${t} onClose=${()=>o([])} />`}
  </section>`}var re=(e,a)=>s`<${$} id="second-pass" label="Your password" type="password" value=${e} onInput=${a} autocomplete="current-password" testid="second-pass" />`;function it({onClose:e,onCodes:a}){let[t,o]=c(""),[n,l]=c(""),[d,m]=c(null),{busy:u,error:r,go:i}=S(),p=async f=>{f.preventDefault(),await i(async()=>{if(!d)return m(await L.begin(t));a(await L.confirm(n.trim())),e()})},h=d?d.qr.length+8:0;return s`<${R} title="Set up a second factor" onClose=${e} testid="second-dialog"><form class="ask" onSubmit=${p}>
    ${d?s`
      <p>Scan this with an authenticator app, then type the code it shows.</p>
      <svg class="qr" viewBox="-4 -4 ${h} ${h}" role="img" aria-label="QR code of the secret below" data-testid="second-qr"><rect x="-4" y="-4" width=${h} height=${h} fill="#fff" /><path d=${Ce(d.qr)} fill="#000" /></svg>
      <p class="small">Or type the secret: <b class="mono" data-testid="second-secret">${d.secret}</b></p>
      <${$} id="second-code" label="Code" value=${n} onInput=${l} mono inputmode="numeric" autocomplete="one-time-code" testid="second-code" />`:re(t,o)}
    <${x} error=${r} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${e}>Leave it</button>
      <button type="submit" class="button primary" disabled=${u||(d?!n.trim():!t)} data-testid="second-next">${d?"Switch on":"Next"}</button></div>
  </form><//>`}function lt({onClose:e}){let[a,t]=c(""),[o,n]=c("");return s`<${T} title="Switch the second factor off?" verb="Switch off" ready=${!!a&&!!o.trim()} act=${()=>L.remove(a,o.trim())} onClose=${e} testid="second-off">
    ${re(a,t)}
    <${$} id="second-code" label="Code of your app, or a recovery code" value=${o} onInput=${n} mono autocomplete="one-time-code" testid="second-code" /><//>`}function dt({onClose:e,onCodes:a}){let[t,o]=c("");return s`<${T} title="Make new recovery codes?" verb="Make them" danger=${!1} ready=${!!t} act=${async()=>a(await L.recovery(t))} onClose=${e} testid="second-renew">
    <p>The codes you have now are worth nothing after that.</p>${re(t,o)}<//>`}function ct({codes:e,onClose:a}){let t=e.join(`
`)+`
`,o=()=>Y(new Blob([`Recovery codes of ${A.value?.username} for Vedette at ${location.host}. Each lets you in once.

${t}`],{type:"text/plain"}),"vedette-recovery-codes.txt");return s`<${R} title="Recovery codes" onClose=${a} testid="recovery-dialog">
    <p>Each lets you in once when your app is not at hand. They are shown this once: print them, or keep them where you keep passwords.</p>
    <ul class="codes mono" data-testid="recovery-codes">${e.map(n=>s`<li key=${n}>${n}</li>`)}</ul>
    <div class="dialog-foot"><button type="button" class="button" onClick=${()=>V(t)}>Copy</button><button type="button" class="button" onClick=${()=>print()}>Print</button>
      <button type="button" class="button" onClick=${o} data-testid="recovery-save">Save</button>      <button type="button" class="button primary" onClick=${a} data-testid="recovery-done">I have them</button></div><//>`}var ut="2031-12-31",Le="security@vedette.example";function je(){let[e,a]=c(""),[t,o]=c(null),[n,l]=c(!1),{busy:d,error:m,go:u}=S();return s`<section class="card" aria-labelledby="backup-h"><h2 id="backup-h">Backup</h2>
    <p class="muted small">Users, cameras, kept footage's marks, settings and keys; no footage. It opens with the passphrase alone.</p>
    <form onSubmit=${i=>{i.preventDefault(),u(async()=>{Y(await j.backup(e),`vedette-backup-${new Date(_.value).toISOString().slice(0,10)}.age`),a("")})}}><${$} id="backup-pass" label="Passphrase" type="password" value=${e} onInput=${a} autocomplete="new-password" testid="backup-pass" hint="At least 8 characters. Nobody can find it out for you." />
      <${x} error=${m} />
      <p class="actions"><button type="submit" class="button" disabled=${d||y.value||[...e].length<8} data-testid="backup-make">Download a backup</button>
        <button type="button" class="button" disabled=${y.value} onClick=${()=>l(!0)} data-testid="backup-restore">Restore…</button></p></form>
    ${n&&s`<${mt} file=${t} onFile=${o} onClose=${()=>l(!1)} />`}
  </section>`}function mt({file:e,onFile:a,onClose:t}){let[o,n]=c(""),[l,d]=c("");return s`<${T} title="Restore a backup?" verb="Restore" waits="Restoring…" ready=${!!e&&!!o&&l==="restore"} act=${async()=>{await j.restore(e,o),w("info","The recorder begins anew with the backup. Sign in with an account of it.")}} onClose=${t} testid="restore">
    <p>Users, cameras and settings of this box are replaced. Footage stays. Everybody is signed out.</p>
    <label class="field">File <input type="file" accept=".age" onChange=${u=>a(u.target.files?.[0]??null)} data-testid="restore-file" /></label>
    <${$} id="restore-pass" label="Passphrase" type="password" value=${o} onInput=${n} testid="restore-pass" />
    <${he} phrase="restore" typed=${l} onType=${d} testid="restore-phrase">to say that you mean it<//><//>`}function Ne(){let[e,a]=c(null),[t,o]=c(""),{busy:n,error:l,go:d}=S(),m=r=>[a(r),o(r.allow.join(", "))];return k(()=>{j.outgoing().then(m,()=>{})},[]),e?s`<section class="card" aria-labelledby="outgoing-h"><h2 id="outgoing-h">Where the recorder connects to</h2>
    <form onSubmit=${r=>{r.preventDefault(),d(async()=>{m(await j.setOutgoing({...e,allow:t.split(/[\s,]+/).filter(Boolean)})),w("good","It holds for every connection from now on.")})}}>
      <${C} id="cameras-public" label="Cameras on the internet" hint="Without it cameras have to be in your own network." checked=${e.cameras_public} onChange=${r=>a({...e,cameras_public:r})} testid="cameras-public" />
      <${$} id="allow" label="Networks that are let through all the same" required=${!1} value=${t} onInput=${o} mono placeholder="10.1.0.0/16" testid="outgoing-allow" />
      <${x} error=${l} />
      <p class="actions"><button type="submit" class="button" disabled=${n||y.value} data-testid="outgoing-save">Save</button></p>
    </form></section>`:null}function We(){let[e,a]=c(!1);return s`<section class="card" aria-labelledby="secrets-h"><h2 id="secrets-h">Secrets</h2>
    <p class="muted small">Passwords of cameras and other secrets are sealed under a key of this box. Who takes the whole card has the key too.</p>
    <p><button type="button" class="button" disabled=${y.value} onClick=${()=>a(!0)} data-testid="rotate">Make a new key…</button></p>
    ${e&&s`<${T} title="Make a new key?" verb="Make it" danger=${!1} act=${async()=>w("good",`${await j.rotate()} secrets are sealed anew.`)} onClose=${()=>a(!1)} testid="rotate">
      <p>Every secret is sealed anew. Recording goes on, and nobody notices.</p><//>`}
  </section>`}function Me(){return s`<section class="card" aria-labelledby="support-h"><h2 id="support-h">Updates and weaknesses</h2>
    <p data-testid="support">Releases of 2026 get security updates until <b>${ut}</b>, free of charge.</p>
    <p>You found a weakness? Write to <a href="mailto:${Le}">${Le}</a>, in English. <a href="/.well-known/security.txt">security.txt</a> says the same.</p>
  </section>`}var pt=[["password","Account"],["people","People"],["keys","Keys"],["notifications","Notifications"],["relay","Relay"],["tls","Certificate"],["backup","Backup"],["outgoing","Connections"],["audit","Audit"]];function $t(e){k(()=>{if(!e)return;let a=setTimeout(()=>{let t=document.getElementById(`${e}-h`);t?.setAttribute("tabindex","-1"),t?.focus(),t?.scrollIntoView()},100);return()=>clearTimeout(a)},[e])}function Gs(){$t(pe.value.arg);let e=me(A.value?.role);return s`<main id="main" class="screen status settings">
    <header class="screen-head"><h1 tabIndex=${-1}>${e?"Settings":"Account"}</h1><p class="muted">${A.value?.username} · ${A.value?.role}</p></header>
    ${e&&s`<nav class="jump" aria-label="Parts of the settings">${pt.map(([a,t])=>s`<a key=${a} class="button small" href="#/settings/${a}" data-testid="jump-${a}">${t}</a>`)}</nav>`}
    <div class="status-grid">
      <${ht} />
      <${Fe} />
      <${bt} />
      ${e&&s`<${Ie} /><${Oe} /><${Re} /><${De} /><${Ee} /><${je} /><${We} /><${Ne} /><${xe} />`}
      <${Me} />
    </div>
  </main>`}function ht(){let[e,a]=c(""),[t,o]=c(""),{busy:n,error:l,go:d}=S();return s`<section class="card" aria-labelledby="password-h"><h2 id="password-h">Password</h2>
    <form onSubmit=${async u=>{u.preventDefault(),await d(()=>$e.aside(()=>L.password(e,t)))&&(a(""),o(""),w("good","The password is changed. Every other session of yours has ended."))}}>
      <${$} id="current" label="Present password" type="password" value=${e} onInput=${a} autocomplete="current-password" testid="password-current" />
      <${$} id="next" label="New password" type="password" value=${t} onInput=${o} autocomplete="new-password" testid="password-next" hint="At least 8 characters. A few words you can remember are best." />
      <${x} error=${l} />
      <button type="submit" class="button" disabled=${n||y.value||!e||[...t].length<8} data-testid="password-save">Change password</button>
    </form></section>`}function ne({list:e,onEnd:a,named:t=!1,testid:o}){let n=l=>F(_.value-Date.parse(l));return s`<div class="table-box"><table class="table stackable" data-testid=${o}>
    <thead><tr>${t&&s`<th scope="col">Who</th>`}<th scope="col">Where</th><th scope="col">Address</th><th scope="col">Last active</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
    <tbody>${e.map(l=>s`<tr key=${l.id}>
      ${t&&s`<th scope="row">${l.username}</th>`}
      <td data-label="Where">${oe(l.agent)}</td><td data-label="Address" class="mono">${l.address}</td><td data-label="Last active">${n(l.seen)}</td>
      <td class="actions">${l.current?s`<span class="muted">this one</span>`:s`<button type="button" class="button small" disabled=${y.value} onClick=${()=>a(l)}>Sign out</button>`}</td></tr>`)}</tbody>
  </table></div>`}function bt(){let[e,a]=c([]),[t,o]=c(null),n=()=>L.sessions().then(a,()=>{});return k(()=>{n()},[]),s`<section class="card span2" aria-labelledby="sessions-h"><h2 id="sessions-h">Where you are signed in</h2>
    <${ne} list=${e} onEnd=${o} testid="own-sessions" />
    ${t&&s`<${T} title="Sign out there?" verb="Sign out" act=${()=>L.end(t.id)} onClose=${()=>{o(null),n()}} testid="end-session">
      <p>${oe(t.agent)} at ${t.address} is signed out at once, and its pictures end.</p><//>`}
  </section>`}export{ne as SessionTable,Gs as SettingsScreen};
