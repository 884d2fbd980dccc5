import{a as ie}from"./part-ZKBPALBI.js";import{a as v,b as w,c as C,d as le}from"./part-Q2VDJSGF.js";import{B as F,C as oe,I as ne,b as z,c as Z,d as X,e as ee,f as h,g as te,p as N,r as U,t as se}from"./part-HAC7SAJG.js";import{a as re}from"./part-SQOAL4EG.js";import{A as g,C as ae,I as K,J as b,K as A,L as T,b as o,c as d,d as k,n as x,r as R,v as O,w as I,y as f}from"./part-IKEF62N2.js";var W=encodeURIComponent,P={password:(e,t)=>h("POST","/auth/password",{current:e,password:t}),sessions:async()=>(await h("GET","/auth/sessions")).sessions,end:e=>h("DELETE",`/auth/sessions/${W(e)}`),begin:e=>h("POST","/auth/totp",{password:e}),confirm:async e=>(await h("POST","/auth/totp/confirm",{code:e})).recovery_codes,remove:(e,t)=>h("POST","/auth/totp/remove",{password:e,code:t}),recovery:async e=>(await h("POST","/auth/totp/recovery",{password:e})).recovery_codes},L={list:async()=>(await h("GET","/users")).users,add:e=>h("POST","/users",e),change:(e,t)=>h("PATCH",`/users/${W(e)}`,t),remove:e=>h("DELETE",`/users/${W(e)}`),sessions:async()=>(await h("GET","/sessions")).sessions,end:e=>h("DELETE",`/sessions/${W(e)}`)},j={list:async()=>(await h("GET","/api-keys")).keys,add:e=>h("POST","/api-keys",e),remove:e=>h("DELETE",`/api-keys/${W(e)}`)},_={list:(e,t=0)=>h("GET",`/audit?${new URLSearchParams({limit:"50",...e,...t&&{before:String(t)}})}`),verify:()=>h("GET","/audit/verify"),exportURL:(e,{from:t,to:s})=>`${z}/audit/export?${new URLSearchParams({format:e,...t&&{from:t},...s&&{to:s}})}`},E={certificate:()=>h("GET","/system/tls"),setCertificate:e=>h("PUT","/system/tls",e),outgoing:()=>h("GET","/system/outgoing"),setOutgoing:e=>h("PUT","/system/outgoing",e),rotate:async()=>(await h("POST","/system/secrets/rotate",{})).rotated,backup:async e=>(await ee("POST","/system/backup",{passphrase:e})).blob(),async restore(e,t){let s;try{s=await fetch(`${z}/system/restore?confirm=restore`,{method:"POST",body:e,headers:{"Content-Type":"application/octet-stream","Backup-Passphrase":encodeURIComponent(t)}})}catch{throw Z()}if(!s.ok)throw X(s.status,"/system/restore",await s.json().catch(()=>null))}},de={admin:"Everything",manager:"Cameras, exports and kept footage",guard:"Live, playback, exports and keeping footage",viewer:"Live and playback",worker:"Takes pictures to look at, and says what it sees",metrics:"Reads the figures for a monitoring system",relay:"Takes streams to pass them on",integration:"Watches, plays back, and reports or triggers things"};function ce(e){let t=s=>Object.fromEntries(Object.entries(s).filter(([,a])=>a.trim()).map(([a,n])=>[a,n.trim()]));switch(e.mode){case"given":return{mode:e.mode,hsts:e.hsts,...t({certificate:e.certificate,key:e.key})};case"acme":{let s=e.challenge==="dns-01"&&{dns:t({server:e.server,zone:e.zone,key_name:e.keyName,key_secret:e.keySecret,algorithm:e.algorithm})};return{mode:e.mode,hsts:e.hsts,acme:{challenge:e.challenge,...t({domain:e.domain,email:e.email,directory:e.directory}),...s}}}}return{mode:e.mode}}function ue(e,t){let s={};for(let l of["text","actor","action","camera"])e[l]?.trim()&&(s[l]=e[l].trim());let a=(l,p)=>{let u=/^(\d+)-(\d+)-(\d+)$/.exec(l??"");return u&&new Date(se({y:+u[1],m:+u[2],d:+u[3]+p},t)).toISOString()},n=a(e.from,0),r=a(e.to,1);return{...s,...n&&{from:n},...r&&{to:r}}}function H(e,t){return e?e.length===0?"No camera":e.map(t).join(", "):"All cameras"}function V(e){let t=[["Edg/","Edge"],["OPR/","Opera"],["Firefox/","Firefox"],["Chrome/","Chrome"],["Safari/","Safari"]].find(([a])=>e.includes(a))?.[1],s=[["Android","Android"],["iPhone","iPhone"],["iPad","iPad"],["Windows","Windows"],["Mac OS","Mac"],["Linux","Linux"]].find(([a])=>e.includes(a))?.[1];return t?s?`${t} on ${s}`:t:e.slice(0,40)||"unknown"}function pe(e){let t=e.action.replace(/[._]/g," "),s=[e.target,e.camera&&e.camera!==e.target?`camera ${e.camera}`:""].filter(Boolean).join(", "),a=Object.entries(e.detail??{}).map(([n,r])=>`${n}: ${r}`).join(", ");return[t,s,a&&`(${a})`].filter(Boolean).join(" ")}var me=e=>e.map((t,s)=>[...t].map((a,n)=>a==="1"?`M${n} ${s}h1v1h-1z`:"").join("")).join("");var he={ok:"done",denied:"denied",failed:"failed"},Oe=[["login","Signing in"],["setup","Claiming and the setup window"],["user","People"],["session","Sessions"],["password","Passwords"],["totp","Second factors"],["key","Keys of machines"],["camera","Cameras"],["footage","Exports"],["hold","Kept footage"],["retention","How long footage is kept"],["volume","Disks in use"],["disk","Disks of the machine"],["system","Updates, restarts, resets"],["tls","The certificate"],["outgoing","Where it connects to"],["secrets","Secrets"],["backup","Backups"],["audit","The audit itself"],["log","The log"],["support","Support bundles"],["denied","What was denied"]];function $e(){let[e,t]=d([]),[s,a]=d(0),[n,r]=d({}),{busy:l,error:p,go:u}=v(),c=(i,m=0)=>u(async()=>{let $=await _.list(i,m);r(i),t(y=>m?[...y,...$.entries]:$.entries),a($.next??0)});return k(()=>{c({})},[]),o`<section class="card span2" aria-labelledby="audit-h"><h2 id="audit-h">Audit</h2>
    <${Le} busy=${l} onAsk=${i=>{c(i)}} />
    <${w} error=${p} />
    <div class="table-box"><table class="table stackable" data-testid="audit">
      <thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">From</th><th scope="col">Result</th></tr></thead>
      <tbody>${e.map(i=>o`<tr key=${i.seq}><td data-label="When" class="mono">${U(Date.parse(i.time),R.value)}</td><th scope="row">${i.actor||"somebody"}</th>
        <td data-label="What">${pe(i)}</td><td data-label="From" class="mono">${i.address??""}</td>
        <td data-label="Result">${i.result==="ok"?he.ok:o`<span class="tag tag-bad">${he[i.result]}</span>`}</td></tr>`)}</tbody>
    </table></div>
    ${e.length===0&&!l&&!p&&o`<p class="muted" role="status" data-testid="audit-none">Nothing like that is written down.</p>`}
    ${s>0&&o`<p><button type="button" class="button" disabled=${l} onClick=${()=>c(n,s)} data-testid="audit-earlier">Earlier</button></p>`}
    <${De} query=${n} />
  </section>`}function Le({busy:e,onAsk:t}){let[s,a]=d({}),n=c=>i=>a(m=>({...m,[c]:i})),r=c=>{c.preventDefault();let i=Object.fromEntries([...new FormData(c.currentTarget)].map(([m,$])=>[m.replace("audit-",""),String($)]));t(ue(i,R.value))},l=()=>[a({}),t({})],p=(c,i,m="text")=>o`<${b} id="audit-${c}" label=${i} type=${m} value=${s[c]??""} onInput=${n(c)} testid="audit-${c}" />`,u=(c,i,m,$)=>o`<div class="field"><label for="audit-${c}">${i}</label>
    <select id="audit-${c}" name="audit-${c}" value=${s[c]??""} onChange=${y=>n(c)(y.target.value)} data-testid="audit-${c}">
      <option value="">${m}</option>${$.map(([y,D])=>o`<option key=${y} value=${y}>${D}</option>`)}</select></div>`;return o`<form onSubmit=${r} class="filters"><div class="row">${p("text","Search")}<button type="submit" class="button" disabled=${e} data-testid="audit-search">Search</button></div>
    <details data-testid="audit-more"><summary>By person, kind, camera or day</summary><div class="row">
      ${p("actor","Who")}${u("action","What","Everything",Oe)}${u("camera","Camera","All cameras",I.value.map(c=>[c.id,c.name]))}
      ${p("from","First day","date")}${p("to","Last day","date")}
      <button type="button" class="button" onClick=${l} data-testid="audit-clear">Clear</button></div></details></form>`}function De({query:e}){let[t,s]=d(""),[a,n]=d(!1),r=async()=>{n(!0);try{let p=await _.verify();s(p.ok?`Unbroken: ${oe(p.entries,"entry","entries")} follow on each other.`:`Changed from outside at entry ${p.broken_at}: ${p.reason}.`)}catch(p){g("error",p.message)}finally{n(!1)}},l=e.from||e.to?" of these days":"";return o`<p class="actions"><button type="button" class="button" disabled=${a} onClick=${r} data-testid="audit-verify">${a?"Checking…":"Check that nothing was changed"}</button>
      <a class="button" href=${_.exportURL("csv",e)} download data-testid="audit-csv">Table${l} (CSV)</a> <a class="button" href=${_.exportURL("jsonl",e)} download data-testid="audit-jsonl">JSON lines${l}</a></p>
    <p role="status" data-testid="audit-checked">${t}</p>`}var Ie={off:"Not encrypted",own:"This box",given:"You",acme:"A certificate authority, fetched by itself"},Fe={pending:"not asked for yet",working:"being fetched",issued:"in order",failing:"not given"};function fe(){let[e,t]=d(null),[s,a]=d(!1),n=()=>E.certificate().then(t,()=>t(null));if(k(()=>{n()},[]),!e)return null;let r=l=>U(Date.parse(l),R.value);return o`<section class="card" aria-labelledby="tls-h"><h2 id="tls-h">Certificate</h2>
    ${e.mode==="off"?o`<p data-testid="certificate-off">This panel is not encrypted. Its configuration turns that on (<span class="mono">tls.mode</span>).</p>`:o`
      <dl class="facts" data-testid="certificate"><div><dt>From</dt><dd>${Ie[e.mode]}</dd></div><div><dt>Words</dt><dd><b>${e.words}</b></dd></div>
        <div><dt>Names</dt><dd>${e.names.join(", ")}</dd></div>${e.not_after&&o`<div><dt>Until</dt><dd>${N(Date.parse(e.not_after),R.value)}</dd></div>`}
        ${e.acme&&o`<div><dt>For</dt><dd>${e.acme.domain}: ${Fe[e.acme.state]??e.acme.state}${e.acme.next_try&&o` <span class="muted">next try ${r(e.acme.next_try)}</span>`}</dd></div>`}</dl>
      ${[e.problem,e.acme?.error].map(l=>l&&o`<p class="bad"><${ae} name="warn" size=${16} /> ${l}</p>`)}
      <details><summary>Fingerprints</summary><p class="mono small wrap">${e.fingerprint}</p><p class="small">Of the authority of this box:</p><p class="mono small wrap">${e.ca_fingerprint}</p></details>
      ${!e.publicly_trusted&&o`<${_e} />`}
      <p class="actions"><a class="button" href="/vedette-ca.crt" download data-testid="authority">Download the authority</a>
        <button type="button" class="button" disabled=${f.value} onClick=${()=>a(!0)} data-testid="certificate-edit">Change…</button></p>`}
    ${s&&o`<${Ne} c=${e} onClose=${()=>{a(!1),n()}} />`}
  </section>`}var We=[["Windows","Open the file, Install Certificate, Local Machine, place it in Trusted Root Certification Authorities."],["Mac","Open the file, which adds it to Keychain Access; there set it to Always Trust."],["iPhone, iPad","Open the file in Safari, install the profile in Settings, then switch it on in General, About, Certificate Trust Settings."],["Android","Settings, search for “CA certificate”, install the file."],["Linux","Copy it to /usr/local/share/ca-certificates and run update-ca-certificates; browsers keep their own list."],["Firefox","Settings, search for “certificates”, View Certificates, Authorities, Import, trust it for websites."]],_e=()=>o`<p class="muted small">Browsers warn of it until they know the authority of this box. Compare the words above with those on the way in first.</p>
  <details data-testid="trust"><summary>How a device comes to trust it</summary><dl class="trust small">${We.map(([e,t])=>o`<div key=${e}><dt>${e}</dt><dd>${t}</dd></div>`)}</dl></details>`,Me=[{value:"own",label:"This box"},{value:"given",label:"Yours"},{value:"acme",label:"ACME",title:"Let's Encrypt, or another authority"}];function Ne({c:e,onClose:t}){let[s,a]=d({mode:e.mode,certificate:"",key:"",hsts:e.hsts,domain:e.acme?.domain??"",email:e.acme?.email??"",directory:e.acme?.directory??"",challenge:e.acme?.challenge??"http-01",server:e.acme?.dns?.server??"",zone:e.acme?.dns?.zone??"",keyName:e.acme?.dns?.key_name??"",keySecret:"",algorithm:e.acme?.dns?.algorithm||"hmac-sha256"}),{busy:n,error:r,go:l}=v(),p=i=>a(m=>({...m,...i})),u=async i=>{i.preventDefault(),await l(()=>E.setCertificate(ce(s)))&&(g("good",s.mode==="acme"?"It is being fetched; until it is there, the panel keeps the one it has.":"The certificate is set. This page may have to be loaded again."),t())},c=(i,m,$={})=>o`<${b} id="tls-${i}" label=${m} value=${s[i]} onInput=${y=>p({[i]:y})} testid="tls-${i}" ...${$} />`;return o`<${T} title="Certificate" onClose=${t} testid="certificate-dialog"><form class="ask" onSubmit=${u}>
    <${K} label="From" value=${s.mode} onPick=${i=>p({mode:i})} options=${Me} testid="tls-mode" />
    ${s.mode==="own"&&o`<p class="muted small">The box signs it itself, for the names and addresses it has, and renews it by itself.</p>`}
    ${s.mode==="given"&&o`
      <${be} id="tls-certificate" label="Certificate, and those that lead to its authority" value=${s.certificate} onText=${i=>p({certificate:i})} />
      <${be} id="tls-key" label="Its key" value=${s.key} onText=${i=>p({key:i})} />`}
    ${s.mode==="acme"&&o`
      ${c("domain","Domain",{placeholder:"nvr.example.org"})}
      ${c("email","E-mail",{required:!1,hint:"The authority may write to it."})}
      <${K} label="How the domain is proved" value=${s.challenge} onPick=${i=>p({challenge:i})} testid="tls-challenge"
        options=${[{value:"http-01",label:"Over port 80"},{value:"dns-01",label:"In the DNS"}]} />
      ${s.challenge==="http-01"?o`<p class="muted small">The domain has to lead to this box, on port 80 from the internet.</p>`:o`
        <p class="muted small">The box writes a record to your name server (RFC 2136), and needs to be reached by nobody.</p>
        ${c("server","Name server",{placeholder:"192.0.2.53",mono:!0})}
        ${c("zone","Zone",{required:!1,mono:!0,hint:"Found out if empty."})}
        ${c("keyName","Name of the key (TSIG)",{mono:!0})}
        <${b} id="tls-secret" label="Secret of the key" type="password" value=${s.keySecret} onInput=${i=>p({keySecret:i})} autocomplete="off" testid="tls-secret" hint=${e.acme?.dns?"As before if empty.":void 0} />
        <label class="field">Algorithm <select value=${s.algorithm} onChange=${i=>p({algorithm:i.target.value})} data-testid="tls-algorithm">
          ${["hmac-sha256","hmac-sha384","hmac-sha512","hmac-sha1"].map(i=>o`<option key=${i} value=${i}>${i}</option>`)}</select></label>`}
      <details open=${!!s.directory&&!s.directory.includes("letsencrypt.org")}><summary>Another authority than Let's Encrypt</summary>${c("directory","Directory",{required:!1,placeholder:"https://…",mono:!0})}</details>`}
    ${s.mode!=="own"&&o`<${A} id="tls-hsts" label="Browsers insist on it (HSTS)" hint="Sent only while browsers trust the certificate anyway: with another one they would lock you out." checked=${s.hsts} onChange=${i=>p({hsts:i})} testid="tls-hsts" />`}
    <${w} error=${r} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${t}>Leave it</button><button type="submit" class="button primary" disabled=${n} data-testid="certificate-save">${n?"Checking…":"Use it"}</button></div>
  </form><//>`}function be({id:e,label:t,value:s,onText:a}){return o`<div class="field"><label for=${e}>${t}</label>
    <textarea id=${e} class="mono" rows="4" value=${s} onInput=${r=>a(r.target.value)} placeholder="-----BEGIN …" spellcheck=${!1} autocomplete="off" data-testid=${e}></textarea>
    <input type="file" accept=".pem,.crt,.cer,.key" aria-label="File: ${t}" onChange=${async r=>{let l=r.target.files?.[0];if(l){if(l.size>262144)return g("error","This file is too big to be a certificate or a key.");a(await l.text())}}} data-testid="${e}-file" /></div>`}async function B(e){try{await navigator.clipboard.writeText(e),g("good","Copied.")}catch{g("error","This browser does not let the panel copy: select the text and copy it yourself.")}}function Q(e,t){let s=URL.createObjectURL(e),a=document.createElement("a");a.href=s,a.download=t,a.click(),setTimeout(()=>URL.revokeObjectURL(s),1e4)}var ge=e=>I.value.find(t=>t.id===e)?.name??e,Ue=["admin","manager","guard","viewer"],je=["worker","metrics","relay","integration"];function ye({value:e,onChange:t}){let s=(a,n)=>t(n?[...e??[],a]:(e??[]).filter(r=>r!==a));return o`<${A} id="all-cameras" label="All cameras" hint="Those that are added later too." checked=${!e} onChange=${a=>t(a?void 0:[])} testid="all-cameras" />
    ${e&&o`<fieldset class="picks"><legend>These cameras</legend>${I.value.map(a=>o`<label key=${a.id}><input type="checkbox" checked=${e.includes(a.id)}
      onChange=${n=>s(a.id,n.target.checked)} data-testid="pick-${a.id}" /> ${a.name}</label>`)}</fieldset>`}`}function ve({roles:e,value:t,onChange:s}){return o`<div class="field"><label for="role">Role</label>
    <select id="role" value=${t} aria-describedby="role-hint" onChange=${a=>s(a.target.value)} data-testid="role">
      ${e.map(a=>o`<option key=${a} value=${a}>${a}</option>`)}</select><p class="field-hint" id="role-hint">${de[t]}</p></div>`}function we(){let[e,t]=d([]),[s,a]=d([]),[n,r]=d(null),[l,p]=d(null),u=()=>Promise.all([L.list().then(t),L.sessions().then(a)]).catch(m=>g("error",m.message));k(()=>{u()},[]);let c=()=>[r(null),p(null),void u()],i=m=>L.end(m.id).then(u,$=>g("error",$.message));return o`<section class="card span2" aria-labelledby="people-h"><h2 id="people-h">People</h2>
    <div class="table-box"><table class="table stackable" data-testid="people">
      <thead><tr><th scope="col">Who</th><th scope="col">Role</th><th scope="col">Sees</th><th scope="col">Last here</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${e.map(m=>o`<tr key=${m.username} data-testid="person-${m.username}">
        <th scope="row">${m.username} ${m.disabled&&o`<span class="tag">switched off</span>`} ${m.totp&&o`<span class="tag">second factor</span>`}</th>
        <td data-label="Role">${m.role}</td><td data-label="Sees">${H(m.cameras,ge)}</td>
        <td data-label="Last here">${m.last_login?F(O.value-Date.parse(m.last_login)):"never"}</td>
        <td class="actions"><button type="button" class="button small" disabled=${f.value} onClick=${()=>r(m)} data-testid="person-edit-${m.username}">Change…</button>
          ${m.username!==x.value?.username&&o` <button type="button" class="button small" disabled=${f.value} onClick=${()=>p(m)} data-testid="person-remove-${m.username}">Remove…</button>`}</td></tr>`)}</tbody>
    </table></div>
    <p><button type="button" class="button" disabled=${f.value} onClick=${()=>r("new")} data-testid="person-add">Add somebody…</button></p>
    <h3>Signed in now</h3>
    <${J} list=${s} named onEnd=${i} testid="all-sessions" />
    ${n&&o`<${Be} p=${n==="new"?null:n} onClose=${c} />`}
    ${l&&o`<${C} title="Remove ${l.username}?" verb="Remove" act=${()=>L.remove(l.username)} onClose=${c} testid="person-remove">
      <p>They are signed out everywhere at once. What they did stays in the audit.</p><//>`}
  </section>`}function Be({p:e,onClose:t}){let[s,a]=d(e?.username??""),[n,r]=d(e?.role??"viewer"),[l,p]=d(e?.cameras),[u,c]=d(""),[i,m]=d(e?.disabled??!1),[$,y]=d(!0),{busy:D,error:q,go:G}=v(),M=n==="admin"?void 0:l,Re=()=>{if(!e)return L.add({username:s.trim(),role:n,password:u,...M&&{cameras:M}});let S={};return n!==e.role&&(S.role=n),JSON.stringify(M)!==JSON.stringify(e.cameras)&&(S.cameras=M??null),i!==e.disabled&&(S.disabled=i),u&&(S.password=u),$||(S.totp=!1),Object.keys(S).length?L.change(e.username,S):Promise.resolve()},Ae=async S=>{S.preventDefault(),await G(Re)&&t()};return o`<${T} title=${e?e.username:"Add somebody"} onClose=${t} testid="person-dialog"><form class="ask" onSubmit=${Ae}>
    ${!e&&o`<${b} id="person-name" label="User name" value=${s} onInput=${a} testid="person-name" />`}
    <${ve} roles=${Ue} value=${n} onChange=${r} />
    ${n!=="admin"&&o`<${ye} value=${l} onChange=${p} />`}
    <${b} id="person-pass" label=${e?"New password":"Password"} required=${e?!1:void 0} type="password" value=${u} onInput=${c} autocomplete="new-password" testid="person-pass" hint="At least 8 characters." />
    ${e&&o`<${A} id="person-off" label="Switched off" hint="Cannot sign in, and is signed out everywhere." checked=${i} onChange=${m} testid="person-off" />`}
    ${e?.totp&&o`<${A} id="person-second" label="Second factor" hint="Switch it off for somebody who lost their app." checked=${$} onChange=${y} />`}
    ${e&&o`<p class="muted small">A change of role, cameras or password signs them out everywhere.</p>`}
    <${w} error=${q} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${t}>Leave it</button>
      <button type="submit" class="button primary" disabled=${D||!e&&(!s.trim()||[...u].length<8)} data-testid="person-save">Save</button></div>
  </form><//>`}function ke(){let[e,t]=d([]),[s,a]=d(!1),[n,r]=d(null),l=()=>j.list().then(t,u=>g("error",u.message));k(()=>{l()},[]);let p=()=>[a(!1),r(null),void l()];return o`<section class="card span2" aria-labelledby="keys-h"><h2 id="keys-h">Keys of machines</h2>
    ${e.length>0&&o`<div class="table-box"><table class="table stackable" data-testid="keys">
      <thead><tr><th scope="col">Name</th><th scope="col">Role</th><th scope="col">Sees</th><th scope="col">Last used</th><th scope="col">Until</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${e.map(u=>o`<tr key=${u.id}><th scope="row">${u.name} <small class="muted mono">${u.id}</small></th><td data-label="Role">${u.role}</td><td data-label="Sees">${H(u.cameras,ge)}</td>
        <td data-label="Last used">${u.last_used?F(O.value-Date.parse(u.last_used)):"never"}</td>
        <td data-label="Until">${u.expired?o`<span class="tag tag-bad">expired</span>`:u.expires_at?N(Date.parse(u.expires_at),R.value):"it is revoked"}</td>
        <td class="actions"><button type="button" class="button small" disabled=${f.value} onClick=${()=>r(u)} data-testid="key-remove-${u.name}">Revoke…</button></td></tr>`)}</tbody>
    </table></div>`}
    <p><button type="button" class="button" disabled=${f.value} onClick=${()=>a(!0)} data-testid="key-add">Make a key…</button></p>
    ${s&&o`<${Qe} onClose=${p} />`}
    ${n&&o`<${C} title="Revoke ${n.name}?" verb="Revoke" act=${()=>j.remove(n.id)} onClose=${p} testid="key-revoke"><p>Whatever uses it stops working at once.</p><//>`}
  </section>`}function Qe({onClose:e}){let[t,s]=d(""),[a,n]=d("worker"),[r,l]=d(void 0),[p,u]=d(""),[c,i]=d(""),{busy:m,error:$,go:y}=v(),D=async q=>{q.preventDefault(),await y(async()=>{let G=await j.add({name:t.trim(),role:a,...r&&{cameras:r},...p&&{expires_at:new Date(`${p}T00:00`).toISOString()}});i(G.key)})};return c?o`<${T} title="The key" onClose=${e} testid="key-made"><p>It is shown this once. Give it to the machine, and to nobody else.</p>
    <p class="mono wrap" data-testid="key-secret">${c}</p>
    <div class="dialog-foot"><button type="button" class="button" onClick=${()=>B(c)}>Copy</button><button type="button" class="button primary" onClick=${e} data-testid="key-done">I have it</button></div><//>`:o`<${T} title="Make a key" onClose=${e} testid="key-dialog"><form class="ask" onSubmit=${D}>
    <${b} id="key-name" label="Name" value=${t} onInput=${s} placeholder="What it is for" testid="key-name" />
    <${ve} roles=${je} value=${a} onChange=${n} />
    <${ye} value=${r} onChange=${l} />
    <${b} id="key-until" label="Until" required=${!1} type="date" value=${p} onInput=${u} />
    <${w} error=${$} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${e}>Leave it</button><button type="submit" class="button primary" disabled=${m||!t.trim()} data-testid="key-save">Make it</button></div>
  </form><//>`}function Ce(){let[e,t]=d(""),[s,a]=d([]),n=x.value?.totp===!0,r=async()=>{t(""),x.value=await te.me()};return o`<section class="card" aria-labelledby="second-h"><h2 id="second-h">Second factor</h2>
    <p data-testid="second-state" data-on=${n}>${n?"On: signing in takes a code of your app as well.":"Off: your password alone lets you in."}</p>
    <p class="actions">${n?o`<button type="button" class="button" disabled=${f.value} onClick=${()=>t("recovery")}>New recovery codes…</button>
          <button type="button" class="button" disabled=${f.value} onClick=${()=>t("remove")} data-testid="second-remove">Switch off…</button>`:o`<button type="button" class="button" disabled=${f.value} onClick=${()=>t("add")} data-testid="second-add">Set up…</button>`}</p>
    ${e==="add"&&o`<${qe} onClose=${r} onCodes=${a} />`}
    ${e==="remove"&&o`<${Ge} onClose=${r} />`}
    ${e==="recovery"&&o`<${ze} onClose=${r} onCodes=${a} />`}
    ${s.length>0&&o`<${Ke} codes=${s} onClose=${()=>a([])} />`}
  </section>`}var Y=(e,t)=>o`<${b} id="second-pass" label="Your password" type="password" value=${e} onInput=${t} autocomplete="current-password" testid="second-pass" />`;function qe({onClose:e,onCodes:t}){let[s,a]=d(""),[n,r]=d(""),[l,p]=d(null),{busy:u,error:c,go:i}=v(),m=async y=>{y.preventDefault(),await i(async()=>{if(!l)return p(await P.begin(s));t(await P.confirm(n.trim())),e()})},$=l?l.qr.length+8:0;return o`<${T} title="Set up a second factor" onClose=${e} testid="second-dialog"><form class="ask" onSubmit=${m}>
    ${l?o`
      <p>Scan this with an authenticator app, then type the code it shows.</p>
      <svg class="qr" viewBox="-4 -4 ${$} ${$}" role="img" aria-label="QR code of the secret below" data-testid="second-qr"><rect x="-4" y="-4" width=${$} height=${$} fill="#fff" /><path d=${me(l.qr)} fill="#000" /></svg>
      <p class="small">Or type the secret: <b class="mono" data-testid="second-secret">${l.secret}</b></p>
      <${b} id="second-code" label="Code" value=${n} onInput=${r} mono inputmode="numeric" autocomplete="one-time-code" testid="second-code" />`:Y(s,a)}
    <${w} error=${c} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${e}>Leave it</button>
      <button type="submit" class="button primary" disabled=${u||(l?!n.trim():!s)} data-testid="second-next">${l?"Switch on":"Next"}</button></div>
  </form><//>`}function Ge({onClose:e}){let[t,s]=d(""),[a,n]=d("");return o`<${C} title="Switch the second factor off?" verb="Switch off" ready=${!!t&&!!a.trim()} act=${()=>P.remove(t,a.trim())} onClose=${e} testid="second-off">
    ${Y(t,s)}
    <${b} id="second-code" label="Code of your app, or a recovery code" value=${a} onInput=${n} mono autocomplete="one-time-code" testid="second-code" /><//>`}function ze({onClose:e,onCodes:t}){let[s,a]=d("");return o`<${C} title="Make new recovery codes?" verb="Make them" danger=${!1} ready=${!!s} act=${async()=>t(await P.recovery(s))} onClose=${e} testid="second-renew">
    <p>The codes you have now are worth nothing after that.</p>${Y(s,a)}<//>`}function Ke({codes:e,onClose:t}){let s=e.join(`
`)+`
`,a=()=>Q(new Blob([`Recovery codes of ${x.value?.username} for Vedette at ${location.host}. Each lets you in once.

${s}`],{type:"text/plain"}),"vedette-recovery-codes.txt");return o`<${T} title="Recovery codes" onClose=${t} testid="recovery-dialog">
    <p>Each lets you in once when your app is not at hand. They are shown this once: print them, or keep them where you keep passwords.</p>
    <ul class="codes mono" data-testid="recovery-codes">${e.map(n=>o`<li key=${n}>${n}</li>`)}</ul>
    <div class="dialog-foot"><button type="button" class="button" onClick=${()=>B(s)}>Copy</button><button type="button" class="button" onClick=${()=>print()}>Print</button>
      <button type="button" class="button" onClick=${a} data-testid="recovery-save">Save</button>      <button type="button" class="button primary" onClick=${t} data-testid="recovery-done">I have them</button></div><//>`}var He="2031-12-31",xe="security@vedette.example";function Se(){let[e,t]=d(""),[s,a]=d(null),[n,r]=d(!1),{busy:l,error:p,go:u}=v();return o`<section class="card" aria-labelledby="backup-h"><h2 id="backup-h">Backup</h2>
    <p class="muted small">Users, cameras, kept footage's marks, settings and keys; no footage. It opens with the passphrase alone.</p>
    <form onSubmit=${i=>{i.preventDefault(),u(async()=>{Q(await E.backup(e),`vedette-backup-${new Date(O.value).toISOString().slice(0,10)}.age`),t("")})}}><${b} id="backup-pass" label="Passphrase" type="password" value=${e} onInput=${t} autocomplete="new-password" testid="backup-pass" hint="At least 8 characters. Nobody can find it out for you." />
      <${w} error=${p} />
      <p class="actions"><button type="submit" class="button" disabled=${l||f.value||[...e].length<8} data-testid="backup-make">Download a backup</button>
        <button type="button" class="button" disabled=${f.value} onClick=${()=>r(!0)} data-testid="backup-restore">Restore…</button></p></form>
    ${n&&o`<${Ve} file=${s} onFile=${a} onClose=${()=>r(!1)} />`}
  </section>`}function Ve({file:e,onFile:t,onClose:s}){let[a,n]=d(""),[r,l]=d("");return o`<${C} title="Restore a backup?" verb="Restore" waits="Restoring…" ready=${!!e&&!!a&&r==="restore"} act=${async()=>{await E.restore(e,a),g("info","The recorder begins anew with the backup. Sign in with an account of it.")}} onClose=${s} testid="restore">
    <p>Users, cameras and settings of this box are replaced. Footage stays. Everybody is signed out.</p>
    <label class="field">File <input type="file" accept=".age" onChange=${u=>t(u.target.files?.[0]??null)} data-testid="restore-file" /></label>
    <${b} id="restore-pass" label="Passphrase" type="password" value=${a} onInput=${n} testid="restore-pass" />
    <${le} phrase="restore" typed=${r} onType=${l} testid="restore-phrase">to say that you mean it<//><//>`}function Te(){let[e,t]=d(null),[s,a]=d(""),{busy:n,error:r,go:l}=v(),p=c=>[t(c),a(c.allow.join(", "))];return k(()=>{E.outgoing().then(p,()=>{})},[]),e?o`<section class="card" aria-labelledby="outgoing-h"><h2 id="outgoing-h">Where the recorder connects to</h2>
    <form onSubmit=${c=>{c.preventDefault(),l(async()=>{p(await E.setOutgoing({...e,allow:s.split(/[\s,]+/).filter(Boolean)})),g("good","It holds for every connection from now on.")})}}>
      <${A} id="cameras-public" label="Cameras on the internet" hint="Without it cameras have to be in your own network." checked=${e.cameras_public} onChange=${c=>t({...e,cameras_public:c})} testid="cameras-public" />
      <${b} id="allow" label="Networks that are let through all the same" required=${!1} value=${s} onInput=${a} mono placeholder="10.1.0.0/16" testid="outgoing-allow" />
      <${w} error=${r} />
      <p class="actions"><button type="submit" class="button" disabled=${n||f.value} data-testid="outgoing-save">Save</button></p>
    </form></section>`:null}function Pe(){let[e,t]=d(!1);return o`<section class="card" aria-labelledby="secrets-h"><h2 id="secrets-h">Secrets</h2>
    <p class="muted small">Passwords of cameras and other secrets are sealed under a key of this box. Who takes the whole card has the key too.</p>
    <p><button type="button" class="button" disabled=${f.value} onClick=${()=>t(!0)} data-testid="rotate">Make a new key…</button></p>
    ${e&&o`<${C} title="Make a new key?" verb="Make it" danger=${!1} act=${async()=>g("good",`${await E.rotate()} secrets are sealed anew.`)} onClose=${()=>t(!1)} testid="rotate">
      <p>Every secret is sealed anew. Recording goes on, and nobody notices.</p><//>`}
  </section>`}function Ee(){return o`<section class="card" aria-labelledby="support-h"><h2 id="support-h">Updates and weaknesses</h2>
    <p data-testid="support">Releases of 2026 get security updates until <b>${He}</b>, free of charge.</p>
    <p>You found a weakness? Write to <a href="mailto:${xe}">${xe}</a>, in English. <a href="/.well-known/security.txt">security.txt</a> says the same.</p>
  </section>`}var Je=[["password","Account"],["people","People"],["keys","Keys"],["tls","Certificate"],["backup","Backup"],["outgoing","Connections"],["audit","Audit"]];function Ye(e){k(()=>{if(!e)return;let t=setTimeout(()=>{let s=document.getElementById(`${e}-h`);s?.setAttribute("tabindex","-1"),s?.focus(),s?.scrollIntoView()},100);return()=>clearTimeout(t)},[e])}function cs(){Ye(re.value.arg);let e=ne(x.value?.role);return o`<main id="main" class="screen status settings">
    <header class="screen-head"><h1 tabIndex=${-1}>${e?"Settings":"Account"}</h1><p class="muted">${x.value?.username} · ${x.value?.role}</p></header>
    ${e&&o`<nav class="jump" aria-label="Parts of the settings">${Je.map(([t,s])=>o`<a key=${t} class="button small" href="#/settings/${t}" data-testid="jump-${t}">${s}</a>`)}</nav>`}
    <div class="status-grid">
      <${Ze} />
      <${Ce} />
      <${Xe} />
      ${e&&o`<${we} /><${ke} /><${fe} /><${Se} /><${Pe} /><${Te} /><${$e} />`}
      <${Ee} />
    </div>
  </main>`}function Ze(){let[e,t]=d(""),[s,a]=d(""),{busy:n,error:r,go:l}=v();return o`<section class="card" aria-labelledby="password-h"><h2 id="password-h">Password</h2>
    <form onSubmit=${async u=>{u.preventDefault(),await l(()=>ie.aside(()=>P.password(e,s)))&&(t(""),a(""),g("good","The password is changed. Every other session of yours has ended."))}}>
      <${b} id="current" label="Present password" type="password" value=${e} onInput=${t} autocomplete="current-password" testid="password-current" />
      <${b} id="next" label="New password" type="password" value=${s} onInput=${a} autocomplete="new-password" testid="password-next" hint="At least 8 characters. A few words you can remember are best." />
      <${w} error=${r} />
      <button type="submit" class="button" disabled=${n||f.value||!e||[...s].length<8} data-testid="password-save">Change password</button>
    </form></section>`}function J({list:e,onEnd:t,named:s=!1,testid:a}){let n=r=>F(O.value-Date.parse(r));return o`<div class="table-box"><table class="table stackable" data-testid=${a}>
    <thead><tr>${s&&o`<th scope="col">Who</th>`}<th scope="col">Where</th><th scope="col">Address</th><th scope="col">Last active</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
    <tbody>${e.map(r=>o`<tr key=${r.id}>
      ${s&&o`<th scope="row">${r.username}</th>`}
      <td data-label="Where">${V(r.agent)}</td><td data-label="Address" class="mono">${r.address}</td><td data-label="Last active">${n(r.seen)}</td>
      <td class="actions">${r.current?o`<span class="muted">this one</span>`:o`<button type="button" class="button small" disabled=${f.value} onClick=${()=>t(r)}>Sign out</button>`}</td></tr>`)}</tbody>
  </table></div>`}function Xe(){let[e,t]=d([]),[s,a]=d(null),n=()=>P.sessions().then(t,()=>{});return k(()=>{n()},[]),o`<section class="card span2" aria-labelledby="sessions-h"><h2 id="sessions-h">Where you are signed in</h2>
    <${J} list=${e} onEnd=${a} testid="own-sessions" />
    ${s&&o`<${C} title="Sign out there?" verb="Sign out" act=${()=>P.end(s.id)} onClose=${()=>{a(null),n()}} testid="end-session">
      <p>${V(s.agent)} at ${s.address} is signed out at once, and its pictures end.</p><//>`}
  </section>`}export{J as SessionTable,cs as SettingsScreen};
